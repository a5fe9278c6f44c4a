// Work that V8 compiles several times, better each time, and throws away when its guesses turn out wrong. Prints one line
// that does not depend on how it was run.
const crypto = require('crypto');

function sieve(limit) {
  const composite = new Uint8Array(limit + 1);
  let count = 0;
  for (let i = 2; i <= limit; ++i) {
    if (composite[i]) continue;
    ++count;
    for (let j = i * i; j <= limit; j += i) composite[j] = 1;
  }
  return count;
}
function fibonacci(n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
// Integers, then fractions, then texts: compiled code is given up each time.
function total(values) {
  let sum = values[0];
  for (let i = 1; i < values.length; ++i) sum += values[i];
  return sum;
}
function matrix(n) {
  const a = new Float64Array(n * n), b = new Float64Array(n * n), c = new Float64Array(n * n);
  for (let i = 0; i < n * n; ++i) { a[i] = Math.sin(i); b[i] = 1 / (i + 1); }
  for (let i = 0; i < n; ++i)
    for (let j = 0; j < n; ++j) {
      let s = 0;
      for (let k = 0; k < n; ++k) s += a[i * n + k] * b[k * n + j];
      c[i * n + j] = s;
    }
  return c[n * n - 1].toFixed(9);
}

const digest = crypto.createHash('sha256');
const note = (value) => digest.update(String(value) + '\n');
note(sieve(300000));
note(fibonacci(24));
for (const make of [(i) => i, (i) => i + 0.5, (i) => 'x' + i % 7, (i) => BigInt(i)]) {
  for (let round = 0; round < 60; ++round) note(total(Array.from({length: 300}, (_, i) => make(i + round))).toString().length);
}
for (let i = 0; i < 300; ++i) note(new Function('a', `return a * ${i} + ${i % 13};`)(i));
note(matrix(60));
note('vireo '.repeat(2000).replace(/(v)(\w+)/g, (_, a, b) => b + a).length);
const objects = new Map();
for (let i = 0; i < 40000; ++i) objects.set('key' + i % 997, {value: i, next: objects.get('key' + (i * 31) % 997)?.value});
note([...objects.values()].reduce((sum, object) => sum + object.value + (object.next ?? 0), 0));
console.log('generated code: ' + digest.digest('hex').slice(0, 32));

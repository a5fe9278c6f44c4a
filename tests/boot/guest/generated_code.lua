-- Loops that LuaJIT traces and compiles, with side exits, and some that it gives up. Prints one line.
local sum, text = 0, {}
for round = 1, 60 do
  local t = {}
  for i = 1, 2000 do t[i] = (i * round) % 97 + (i % 3 == 0 and 0.25 or 0) end
  table.sort(t)
  for i = 1, #t do sum = sum + t[i] * (i % 2 == 0 and 1 or -1) end
  text[#text + 1] = string.format('%d:%.3f', round, t[round])
end
local function fibonacci(n) return n < 2 and n or fibonacci(n - 1) + fibonacci(n - 2) end
local made = 0
for i = 1, 200 do made = made + load('local a = ... return a * ' .. i .. ' + ' .. i % 7)(i) end
local x, y, inside = 12345, 678, 0
for _ = 1, 300000 do
  x = (x * 16807) % 2147483647
  y = (y * 48271) % 2147483647
  if (x / 2147483647) ^ 2 + (y / 2147483647) ^ 2 < 1 then inside = inside + 1 end
end
print(string.format('%.2f %d %d %d %d', sum, fibonacci(22), made, inside, #table.concat(text)))

"""A bar for each workload: how many times as fast as QEMU, on a logarithmic scale, as SVG."""

import html
import math

ROW, LEFT, WIDTH, TOP, RIGHT = 20, 110, 560, 56, 70
REACHED, MISSED, SLOWER = "#2a7f62", "#c98a1b", "#b3362b"
TICKS = [0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 50, 100]


def svg(lines, title, mean):
    lines = [line for line in lines if line.speedup]
    low = min([0.5] + [line.speedup for line in lines]) / 1.1
    high = max([4.0] + [line.speedup for line in lines]) * 1.1

    def x(value):
        return LEFT + WIDTH * math.log(value / low) / math.log(high / low)

    height = TOP + ROW * len(lines) + 24
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{height}" '
             'font-family="sans-serif" font-size="12">',
             '<rect width="100%" height="100%" fill="white"/>',
             f'<text x="8" y="18" font-size="14">{html.escape(title)}</text>',
             f'<text x="8" y="36" fill="#555">times as fast as QEMU; geometric mean {mean:.2f}</text>']
    bottom = TOP + ROW * len(lines)
    for tick in (t for t in TICKS if low <= t <= high):
        colour = "#222" if tick == 1 else "#ddd"
        parts.append(f'<line x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{TOP - 6}" y2="{bottom}" stroke="{colour}"/>')
        parts.append(f'<text x="{x(tick):.1f}" y="{bottom + 16}" text-anchor="middle" fill="#555">{tick:g}x</text>')
    for i, line in enumerate(lines):
        y = TOP + ROW * i
        ends = sorted((x(1), x(line.speedup)))
        colour = REACHED if line.reaches_goal() else MISSED if line.speedup >= 1 else SLOWER
        parts.append(f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{html.escape(line.workload.name)}</text>')
        parts.append(f'<rect x="{ends[0]:.1f}" y="{y + 3}" width="{ends[1] - ends[0]:.1f}" height="{ROW - 7}" '
                     f'fill="{colour}"/>')
        parts.append(f'<text x="{ends[1] + 5:.1f}" y="{y + 13}" fill="#333">{line.speedup:.1f}</text>')
    return "\n".join(parts + ["</svg>", ""])

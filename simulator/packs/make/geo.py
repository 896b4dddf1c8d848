"""Distances on the globe, polygons on a chart, and the shortest way by sea on a grid of cells.

Plain Python, no packages. Points are (longitude, latitude) in degrees, as GeoJSON has them.
"""

import heapq
import math

RADIUS_NM = 3440.069


def miles(a, b):
    """Great-circle distance in nautical miles (haversine), as the engine computes it."""
    (lon_a, lat_a), (lon_b, lat_b) = a, b
    half = lambda x, y: math.sin(math.radians(y - x) / 2)
    sides = half(lat_a, lat_b) ** 2 + (
        math.cos(math.radians(lat_a)) * math.cos(math.radians(lat_b)) * half(lon_a, lon_b) ** 2
    )
    return 2 * RADIUS_NM * math.asin(math.sqrt(min(max(sides, 0.0), 1.0)))


def inside(point, ring):
    """Whether a point lies in a ring (even-odd rule)."""
    x, y = point
    odd = False
    for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1]):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            odd = not odd
    return odd


def area(ring):
    """Signed area in square degrees; positive where the ring runs against the clock."""
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1])) / 2


def to_edge(point, ring):
    """Nautical miles from a point to the nearest edge of a ring."""
    x, y = point
    stretch = math.cos(math.radians(y))
    best = math.inf
    for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1]):
        dx, dy = (x2 - x1) * stretch, y2 - y1
        px, py = (x - x1) * stretch, y - y1
        length = dx * dx + dy * dy
        t = 0.0 if length == 0 else min(1.0, max(0.0, (px * dx + py * dy) / length))
        best = min(best, math.hypot(px - t * dx, py - t * dy))
    return best * 60.04


class Sea:
    """Open water as a grid: `step` degrees a cell, between two corners."""

    STEPS = [(dx, dy) for dx in (-2, -1, 0, 1, 2) for dy in (-2, -1, 0, 1, 2)
             if math.gcd(dx, dy) == 1]

    def __init__(self, rings, west, south, east, north, step):
        self.west, self.south, self.step = west, south, step
        self.columns = round((east - west) / step)
        self.rows = round((north - south) / step)
        self.land = [[False] * self.columns for _ in range(self.rows)]
        for ring in rings:
            self._fill(ring)
        self.known, self.backs = {}, {}

    def _fill(self, ring):
        for row in range(self.rows):
            y = self.south + (row + 0.5) * self.step
            cuts = sorted(
                (x2 - x1) * (y - y1) / (y2 - y1) + x1
                for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1]) if (y1 > y) != (y2 > y)
            )
            for start, end in zip(cuts[::2], cuts[1::2]):
                first = max(0, math.ceil((start - self.west) / self.step - 0.5))
                last = min(self.columns - 1, math.floor((end - self.west) / self.step - 0.5))
                for column in range(first, last + 1):
                    self.land[row][column] = True

    def centre(self, cell):
        return (self.west + (cell[0] + 0.5) * self.step, self.south + (cell[1] + 0.5) * self.step)

    def wet(self, column, row):
        return 0 <= column < self.columns and 0 <= row < self.rows and not self.land[row][column]

    def near(self, point):
        """The wet cells next to a point, as far out as the first ring that has some."""
        column = math.floor((point[0] - self.west) / self.step)
        row = math.floor((point[1] - self.south) / self.step)
        for reach in range(0, 12):
            cells = [(c, r) for c in range(column - reach, column + reach + 1)
                     for r in range(row - reach, row + reach + 1)
                     if max(abs(c - column), abs(r - row)) == reach and self.wet(c, r)]
            cells = [cell for cell in cells if self.open(cell)]
            if cells:
                return [min(cells, key=lambda cell: miles(self.centre(cell), point))]
        raise ValueError(f"no water near {point}")

    def open(self, cell):
        """Whether a cell belongs to the ocean, not to a pond: the largest water that is all joined."""
        if "ocean" not in self.known:
            left = {(c, r) for r in range(self.rows) for c in range(self.columns) if self.wet(c, r)}
            largest = set()
            while left:
                start = min(left)
                seen, stack = {start}, [start]
                while stack:
                    c, r = stack.pop()
                    for n in ((c + 1, r), (c - 1, r), (c, r + 1), (c, r - 1)):
                        if n in left and n not in seen:
                            seen.add(n)
                            stack.append(n)
                left -= seen
                largest = seen if len(seen) > len(largest) else largest
            self.known["ocean"] = largest
        return cell in self.known["ocean"]

    def _clear(self, c, r, dx, dy):
        """A step may not cut a corner of land."""
        if not self.wet(c + dx, r + dy):
            return False
        if abs(dx) + abs(dy) == 1:
            return True
        if abs(dx) == 1 and abs(dy) == 1:
            return self.wet(c + dx, r) and self.wet(c, r + dy)
        if abs(dx) == 2:
            half = dx // 2
            return self.wet(c + half, r) and self.wet(c + half, r + dy)
        half = dy // 2
        return self.wet(c, r + half) and self.wet(c + dx, r + half)

    def ways(self, start):
        """Miles by sea from a point to every wet cell (Dijkstra)."""
        (source,) = self.near(start)
        if source in self.known:
            return self.known[source]
        best = {source: miles(start, self.centre(source))}
        back = self.backs[source] = {}
        heap = [(best[source], source)]
        while heap:
            far, (c, r) = heapq.heappop(heap)
            if far > best[c, r]:
                continue
            here = self.centre((c, r))
            for dx, dy in self.STEPS:
                if self._clear(c, r, dx, dy):
                    there = (c + dx, r + dy)
                    total = far + miles(here, self.centre(there))
                    if total < best.get(there, math.inf) - 1e-9:
                        best[there] = total
                        back[there] = (c, r)
                        heapq.heappush(heap, (total, there))
        self.known[source] = best
        return best

    def miles(self, a, b):
        """Whole miles by sea between two points: never under the straight way."""
        (target,) = self.near(b)
        far = self.ways(a).get(target)
        if far is None:
            raise ValueError(f"no way by sea from {a} to {b}")
        return math.ceil(max(far + miles(b, self.centre(target)), 1.02 * miles(a, b), 20))

    def path(self, a, b):
        """The way between two points as a line: the first point, the cells where it turns, the last point."""
        self.ways(a)
        (source,), (cell,) = self.near(a), self.near(b)
        line = [b]
        while cell != source:
            line.append(self.centre(cell))
            cell = self.backs[source][cell]
        line += [self.centre(source), a]
        line.reverse()
        turns = [line[0]]
        for before, here, after in zip(line, line[1:], line[2:]):
            cross = (here[0] - before[0]) * (after[1] - here[1]) - (here[1] - before[1]) * (after[0] - here[0])
            if abs(cross) > 1e-9 or here in (line[1], line[-2]):
                turns.append(here)
        return [(round(x, 2), round(y, 2)) for x, y in turns + [line[-1]]]

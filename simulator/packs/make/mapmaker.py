"""Draws a map: continents are blobs with rough edges, states are the cells nearest to their seeds.

Works on a grid of cells. Borders and coasts are traced as arcs between the corners where three areas meet, made
smooth once, and used by the states on both sides, so that neighbours share a border to the last digit.
"""

import math

import geo


def whole(x, y, salt):
    """A number in [0, 1) for a lattice point: an integer hash, the same everywhere."""
    n = (x * 374761393 + y * 668265263 + salt * 2246822519) & 0xFFFFFFFF
    n = ((n ^ (n >> 13)) * 1274126177) & 0xFFFFFFFF
    n = ((n ^ (n >> 16)) * 2654435761) & 0xFFFFFFFF
    return ((n ^ (n >> 15)) & 0xFFFFFF) / 0x1000000


def noise(x, y, salt, octaves=4):
    """Value noise in about [-1, 1], rougher with each octave."""
    total, size, top = 0.0, 1.0, 0.0
    for octave in range(octaves):
        i, j = math.floor(x), math.floor(y)
        u, v = x - i, y - j
        u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
        at = lambda a, b: whole(i + a, j + b, salt + octave)
        value = (at(0, 0) * (1 - u) + at(1, 0) * u) * (1 - v) + (at(0, 1) * (1 - u) + at(1, 1) * u) * v
        total += (2 * value - 1) * size
        top += size
        x, y, size = x * 2.03, y * 2.03, size * 0.5
    return total / top


class Map:
    """A grid of labels: 0 is water, others number the states from 1."""

    def __init__(self, west, south, east, north, step):
        self.west, self.south, self.step = west, south, step
        self.columns, self.rows = round((east - west) / step), round((north - south) / step)
        self.cells = [[0] * self.columns for _ in range(self.rows)]

    def centre(self, c, r):
        return self.west + (c + 0.5) * self.step, self.south + (r + 0.5) * self.step

    def draw(self, blobs, seeds, salt):
        """Fills the grid. Blobs: continent, lon, lat, half width, half height. Seeds: continent, lon, lat."""
        for r in range(self.rows):
            for c in range(self.columns):
                x, y = self.centre(c, r)
                rough = 0.95 * noise(x / 12, y / 12, salt, 6)
                best, continent = 0.0, None
                for name, lon, lat, wide, high in blobs:
                    depth = 1 - math.hypot((x - lon) / wide, (y - lat) / high) + rough
                    if depth > best:
                        best, continent = depth, name
                if continent is not None:
                    self.cells[r][c] = self._nearest(x, y, continent, seeds, salt)
        self._tidy()

    def _nearest(self, x, y, continent, seeds, salt):
        x += 2.2 * noise(x / 5, y / 5, salt + 50)
        y += 2.2 * noise(x / 5, y / 5, salt + 70)
        here = [(math.hypot((x - lon) * math.cos(math.radians(y)), y - lat), number)
                for number, (name, lon, lat) in enumerate(seeds, 1) if name == continent]
        return min(here)[1]

    def _label(self, c, r):
        return self.cells[r][c] if 0 <= c < self.columns and 0 <= r < self.rows else 0

    def _pieces(self, same):
        """Connected pieces (by sides) of cells that `same` holds to be alike."""
        seen = set()
        for r in range(self.rows):
            for c in range(self.columns):
                if (c, r) in seen:
                    continue
                piece, stack = [], [(c, r)]
                seen.add((c, r))
                while stack:
                    x, y = stack.pop()
                    piece.append((x, y))
                    for n in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
                        if (0 <= n[0] < self.columns and 0 <= n[1] < self.rows and n not in seen
                                and same(self._label(*n), self._label(x, y))):
                            seen.add(n)
                            stack.append(n)
                yield piece

    def _tidy(self):
        """Fills ponds, drops specks, gives stray pieces of a state to the state around them."""
        for piece in list(self._pieces(lambda a, b: (a == 0) == (b == 0))):
            water = self._label(*piece[0]) == 0
            if water and len(piece) < 4000:
                shore = self._beside(piece)
                for c, r in piece:
                    near = [self._label(c + dx, r + dy) for dx in (-3, 0, 3) for dy in (-3, 0, 3)]
                    near = [n for n in near if n]
                    self.cells[r][c] = max(near, key=near.count) if near else shore
            elif not water and len(piece) < 5:
                for c, r in piece:
                    self.cells[r][c] = 0
        for piece in list(self._pieces(lambda a, b: (a == 0) == (b == 0))):
            if self._label(*piece[0]) == 0 and len(piece) < 4000:  # What a speck in a pond has left.
                shore = self._beside(piece)
                for c, r in piece:
                    self.cells[r][c] = shore
        for _ in range(3):
            main = {}
            pieces = list(self._pieces(lambda a, b: a == b))
            for piece in pieces:
                label = self._label(*piece[0])
                if label and len(piece) > len(main.get(label, [])):
                    main[label] = piece
            for piece in pieces:
                label = self._label(*piece[0])
                if label and piece is not main[label]:
                    other = self._beside(piece)
                    if other:
                        for c, r in piece:
                            self.cells[r][c] = other
        for r in range(1, self.rows):  # No two cells that touch at a corner only.
            for c in range(1, self.columns):
                a, b = self.cells[r][c], self.cells[r - 1][c - 1]
                d, e = self.cells[r][c - 1], self.cells[r - 1][c]
                if a == b and a != d and a != e:
                    self.cells[r][c - 1] = a
                elif d == e and d != a and d != b:
                    self.cells[r][c] = d

    def _beside(self, piece):
        """The state that a piece touches most, 0 for none."""
        own = self._label(*piece[0])
        near = [self._label(c + dx, r + dy) for c, r in piece for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1))]
        near = [n for n in near if n not in (0, own)]
        return max(sorted(set(near)), key=near.count) if near else 0

    def trace(self, salt):
        """Arcs between areas: {(left, right): [[points]]}, and the rings of each label as lists of points."""
        ahead = {}
        for r in range(self.rows + 1):
            for c in range(self.columns + 1):
                # Along the row line: cell above on the left hand when going east.
                up, down = self._label(c, r), self._label(c, r - 1)
                if c < self.columns and up != down:
                    ahead[(c, r), (c + 1, r)] = up
                    ahead[(c + 1, r), (c, r)] = down
                left, right = self._label(c - 1, r), self._label(c, r)
                if r < self.rows and left != right:
                    ahead[(c, r), (c, r + 1)] = left
                    ahead[(c, r + 1), (c, r)] = right
        ways = {}
        for a, b in ahead:
            ways.setdefault(a, []).append(b)
        nodes = {p for p, out in ways.items() if len(out) != 2}
        self.arcs, self.arc_of = [], {}
        for start in sorted(nodes) + sorted(set(ways) - nodes):
            for second in sorted(ways[start]):
                if (start, second) in self.arc_of:
                    continue
                line = [start, second]
                while line[-1] not in nodes and line[-1] != start:
                    step = [p for p in ways[line[-1]] if p != line[-2]]
                    line.append(step[0])
                number = len(self.arcs)
                for a, b in zip(line, line[1:]):
                    self.arc_of[a, b] = (number, 1)
                    self.arc_of[b, a] = (number, -1)
                sides = tuple(sorted((ahead[line[0], line[1]], ahead[line[1], line[0]])))
                self.arcs.append((sides, self._smooth(line, line[0] == line[-1], salt)))
        return self._rings(ahead, ways)

    def _smooth(self, line, closed, salt):
        points = []
        for c, r in line:
            x = self.west + (c + 0.7 * (whole(c, r, salt) - 0.5)) * self.step
            y = self.south + (r + 0.7 * (whole(c, r, salt + 1) - 0.5)) * self.step
            points.append((x, y))
        points = thin(points, 0.16)
        for _ in range(1):
            rounded = [] if closed else [points[0]]
            for (x1, y1), (x2, y2) in zip(points, points[1:]):
                rounded.append((0.75 * x1 + 0.25 * x2, 0.75 * y1 + 0.25 * y2))
                rounded.append((0.25 * x1 + 0.75 * x2, 0.25 * y1 + 0.75 * y2))
            points = rounded + ([rounded[0]] if closed else [points[-1]])
        return [(round(x, 2), round(y, 2)) for x, y in thin(points, 0.05)]

    def _rings(self, ahead, ways):
        rings, used = {}, set()
        for edge in sorted(ahead):
            label = ahead[edge]
            if edge in used or label == 0:
                continue
            ring, here = [], edge
            last = None
            while here not in used:
                used.add(here)
                arc, way = self.arc_of[here]
                if (arc, way) != last:
                    points = self.arcs[arc][1][::way]
                    ring += points[:-1]
                    last = (arc, way)
                (ax, ay), (bx, by) = here
                dx, dy = bx - ax, by - ay
                # Keep the label on the left hand: try left, straight on, right.
                for tx, ty in ((-dy, dx), (dx, dy), (dy, -dx)):
                    step = ((bx, by), (bx + tx, by + ty))
                    if ahead.get(step) == label:
                        here = step
                        break
            first_arc = self.arc_of[edge]
            if last == first_arc and len(ring) > 2:
                # The walk began within an arc and came round to it: drop the second copy.
                points = self.arcs[first_arc[0]][1][::first_arc[1]][:-1]
                if ring[-len(points):] == points and ring[:len(points)] == points and ring != points:
                    ring = ring[len(points):]
            rings.setdefault(label, []).append(ring)
        return rings


def thin(points, tolerance):
    """Drops points that lie within a tolerance of the line (Douglas and Peucker)."""
    if len(points) < 3:
        return points
    if points[0] == points[-1]:
        half = len(points) // 2
        return thin(points[:half + 1], tolerance)[:-1] + thin(points[half:], tolerance)
    (x1, y1), (x2, y2) = points[0], points[-1]
    length = math.hypot(x2 - x1, y2 - y1)
    off = [abs((x2 - x1) * (y1 - y) - (x1 - x) * (y2 - y1)) / length for x, y in points[1:-1]]
    worst = max(range(len(off)), key=off.__getitem__)
    if off[worst] <= tolerance:
        return [points[0], points[-1]]
    return thin(points[:worst + 2], tolerance)[:-1] + thin(points[worst + 1:], tolerance)


def borders(arcs):
    """Miles of border by pair of labels; 0 is the coast."""
    found = {}
    for sides, points in arcs:
        found[sides] = found.get(sides, 0.0) + sum(geo.miles(a, b) for a, b in zip(points, points[1:]))
    return found


def coast(arcs, label):
    """Points of the coast of a label, in order of the arcs; none within 30 miles of another state's coast."""
    found = []
    for sides, points in arcs:
        if sides == (0, label):
            ends = [] if points[0] == points[-1] else [points[0], points[-1]]
            found += [p for p in points if all(geo.miles(p, end) > 30 for end in ends)]
    return found

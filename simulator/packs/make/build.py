"""What the default and the real-shape pack build alike: shares of ports, liner services, carriers."""

import geo
from write import shares, ships


def port_shares(ranked, first, second):
    """Shares of ports in the order of their rank: two given, then falling by a power so that all sum to one."""
    count, rest = len(ranked), 1 - first - second
    low, high = 0.0, 3.0
    for _ in range(60):
        power = (low + high) / 2
        tail = sum(0.93 * second * (rank / 3) ** -power for rank in range(3, count + 1))
        low, high = (power, high) if tail > rest else (low, power)
    weights = [first, second] + [0.93 * second * (rank / 3) ** -low for rank in range(3, count + 1)]
    whole = [max(1, round(w * 1e4)) for w in weights]
    whole[2] += 10_000 - sum(whole)
    return dict(zip(ranked, (w / 1e4 for w in whole)))


def round_trip(hub, stops, miles):
    """Ports in an order that makes a short round from a hub: nearest first, then turned where that shortens it."""
    tour, left = [hub], list(stops)
    while left:
        tour.append(min(left, key=lambda p: (miles(tour[-1], p), p)))
        left.remove(tour[-1])
    length = lambda t: sum(miles(a, b) for a, b in zip(t, t[1:] + t[:1]))
    better = True
    while better:
        better = False
        for i in range(1, len(tour) - 1):
            for j in range(i + 1, len(tour)):
                other = tour[:i] + tour[i:j + 1][::-1] + tour[j + 1:]
                if length(other) < length(tour):
                    tour, better = other, True
    return tour


def feeders(ports, hubs, miles, most):
    """Rounds of feeders: every port goes to its nearest hub, ports of a hub in bunches that lie together."""
    of = {hub: [] for hub in hubs}
    for port in ports:
        if port not in hubs:
            of[min(hubs, key=lambda hub: (miles(hub, port), hub))].append(port)
    rounds = []
    for hub in hubs:
        left = sorted(of[hub], key=lambda p: (-miles(hub, p), p))
        count = -(-len(left) // most)
        while left:
            size = -(-len(left) // count)
            count -= 1
            far = left[0]
            bunch = sorted(left, key=lambda p: (miles(far, p), p))[:size]
            left = [p for p in left if p not in bunch]
            rounds.append(round_trip(hub, bunch, miles))
    return rounds


def services(rows, miles):
    """Tables of services from (id, carrier, knots, TEU, rotation, days between sailings)."""
    found = []
    for name, carrier, knots, teu, rotation, days in rows:
        legs = [miles(a, b) for a, b in zip(rotation, rotation[1:] + rotation[:1])]
        found.append(dict(id=name, carrier=carrier, vessels=ships(sum(legs), knots, len(legs), days),
                          speed_kn=knots, teu=teu, rotation=rotation, legs=legs))
    return found


def carriers(rows):
    part = {kind: iter(shares([row[4] for row in rows if row[2] == kind], 3)) for kind in ("ocean", "air", "road")}
    return [dict(id=i, name=n, kind=k, prefix=p, share=next(part[k])) for i, n, k, p, _ in rows]


def lanes(found, path):
    """Features of the map of lanes: a line for each pair of ports next to each other in a rotation."""
    ways = {}
    for service in found:
        rotation = service["rotation"]
        for a, b in zip(rotation, rotation[1:] + rotation[:1]):
            ways.setdefault(tuple(sorted((a, b))), []).append(service["id"])
    return [(dict(**{"from": a, "to": b}, services=sorted(set(ids))), path(a, b)) for (a, b), ids in sorted(ways.items())]

"""Writes TOML as a person would: one key a line, long lists broken, two decimals for places."""

WIDTH = 100


def value(v, key=""):
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, float):
        if key in ("lat", "lon", "capital_lat", "capital_lon"):
            return f"{v:.2f}"
        if v != 0 and abs(v) < 1e-5:
            return repr(v)
        text = f"{v:.6f}".rstrip("0")
        return text + "0" if text.endswith(".") else text
    if isinstance(v, int):
        return str(v)
    if isinstance(v, str):
        return '"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(v, dict):
        return "{ " + ", ".join(f"{k} = {value(x, k)}" for k, x in v.items()) + " }" if v else "{}"
    if isinstance(v, (list, tuple)):
        return "[" + ", ".join(value(x, key) for x in v) + "]"
    raise TypeError(type(v))


def line(key, v):
    text = f"{key} = {value(v, key)}"
    if len(text) <= WIDTH or not isinstance(v, (list, tuple)):
        return text
    lines, current = [f"{key} = ["], "   "
    for item in v:
        word = f" {value(item, key)},"
        if len(current) + len(word) > WIDTH and current.strip():
            lines.append(current)
            current = "   "
        current += word
    return "\n".join([*lines, current, "]"])


def tables(name, entries, nested=()):
    """Entries of an array of tables; keys in `nested` become tables of their own below."""
    out = []
    for entry in entries:
        out.append(f"[[{name}]]")
        for k, v in entry.items():
            if k not in nested:
                long = isinstance(v, dict) and len(line(k, v)) > WIDTH
                out += [f"{k}.{x} = {value(y)}" for x, y in v.items()] if long else [line(k, v)]
        for key in nested:
            inner = entry.get(key)
            if isinstance(inner, dict):
                out.append(f"[{name}.{key}]")
                out += [line(k, v) for k, v in inner.items()]
            else:
                for item in inner or []:
                    out.append(f"[[{name}.{key}]]")
                    out += [line(k, v) for k, v in item.items()]
        out.append("")
    return "\n".join(out)


def comment(text):
    return "".join(f"# {row}".rstrip() + "\n" for row in text.strip("\n").split("\n"))

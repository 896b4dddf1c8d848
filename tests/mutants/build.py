"""Makes the switched copy compile: `build.py OUT` (a folder below `target`, with `list.json` of cargo-mutants).

Mutants that the compiler refuses leave the copy, round by round; `mutants.json` says of each what became of it:
`switched`, `unviable` (its own text does not compile) or `unswitchable` with a reason.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

import switch

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORE = "gateway/core"
TESTS = ["core_unit", "laws", "regressions"]


def copy(tree, switched):
    """What is here and not ignored; the core's unit tests as a test target, so that all else need not be built."""
    tree.mkdir(parents=True, exist_ok=True)
    special = {f"{CORE}/Cargo.toml", f"{CORE}/src/lib.rs", *switched}
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    for name in listed.decode().split("\0"):
        if name and (ROOT / name).exists() and name not in special:
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            put(tree / name, ROOT / name)
    manifest, library = f"{CORE}/Cargo.toml", f"{CORE}/src/lib.rs"
    put(tree / manifest, (ROOT / manifest).read_text() + '\n[[test]]\nname = "core_unit"\npath = "src/lib.rs"\n')
    put(tree / library, (ROOT / library).read_text() + "#[allow(warnings, clippy::all)]\npub mod mutant;\n")


def write(tree, mutants):
    """Writes every file anew. Files that are the same keep their time."""
    files = {}
    for mutant in mutants:
        files.setdefault(mutant["file"], []).append(mutant)
    for name, some in files.items():
        tried = [m for m in some if m["state"] == "switched"]
        switcher = switch.Switcher((ROOT / name).read_text(), tried)
        text = switcher.switched()
        for mutant in tried:
            if mutant["id"] in switcher.failed:
                reason = switcher.failed[mutant["id"]]
                # `||` in a let chain never compiles.
                mutant.update(state="unviable" if reason == "let chain" else "unswitchable", reason=reason)
        put(tree / name, text)
    put(tree / CORE / "src/mutant.rs", switch.runtime(len(mutants)).strip() + "\n")


def put(path, what):
    """Writes a text, or what a file holds, unless it is there."""
    new = what.read_bytes() if isinstance(what, pathlib.Path) else what.encode()
    if not path.exists() or path.read_bytes() != new:
        path.write_bytes(new)


def cargo(tree, command, *more):
    tests = [word for test in TESTS for word in ("--test", test)]
    return subprocess.run(
        ["cargo", *command, "--locked", "--workspace", *tests, "--message-format=json", *more],
        cwd=tree,
        capture_output=True,
        text=True,
        env={**os.environ, "CARGO_TARGET_DIR": str(tree.parent / "target")},
    )


def errors(output):
    for line in output.splitlines():
        message = json.loads(line)
        if message.get("reason") == "compiler-message" and message["message"]["level"] == "error":
            yield message["message"]


def places(message):
    """Primary places first, then the others, then where a macro was called."""
    spans = sorted(message["spans"], key=lambda span: not span["is_primary"])
    for span in spans:
        yield span
        while span.get("expansion"):
            span = span["expansion"]["span"]
            yield span


def main(out):
    out = pathlib.Path(out).resolve()
    tree = out / "tree"
    mutants = json.loads((out / "list.json").read_text())
    path = out / "mutants.json"
    # What is known of a mutant by its name stays known.
    known = {one["name"]: one for one in json.loads(path.read_text())} if path.exists() else {}
    for number, mutant in enumerate(mutants, 1):
        before = known.get(mutant["name"], {"state": "switched", "reason": ""})
        mutant.update(id=number, state=before["state"], reason=before["reason"])
        mutant.pop("diff", None)
    copy(tree, {m["file"] for m in mutants})
    for turn in range(40):
        write(tree, mutants)
        done = cargo(tree, ["check"])
        if done.returncode == 0:
            done = cargo(tree, ["test", "--no-run"])
        dropped, lost = set(), []
        path.write_text(json.dumps(mutants, indent=1))
        for message in errors(done.stdout):
            if not message["spans"]:
                continue
            for span in places(message):
                place = tree / span["file_name"]
                find = switch.uncovered if "E0004" in message["rendered"][:20] else switch.blame
                found = place.exists() and find(place.read_bytes(), span["byte_start"])
                if found:
                    own, ids = found
                    for number in ids:
                        state = "unviable" if own else "unswitchable"
                        code = (message["code"] or {}).get("code", "")
                        mutants[number - 1].update(state=state, reason=f"{code} {message['message']}"[:120])
                        dropped.add(number)
                    break
            else:
                lost.append(message["rendered"])
        print(f"round {turn}: {len(dropped)} dropped, {len(lost)} errors of no mutant", flush=True)
        path.write_text(json.dumps(mutants, indent=1))
        if done.returncode == 0:
            break
        if not dropped:
            sys.exit("\n".join(lost[:10]) or done.stderr[-4000:])
    binaries = {}
    for line in done.stdout.splitlines():
        message = json.loads(line)
        if message.get("reason") == "compiler-artifact" and message["executable"] and message["profile"]["test"]:
            name = message["target"]["name"]
            # Renamed into place: a run may be under way.
            shutil.copy2(message["executable"], out / f"{name}.new")
            (out / "bin").mkdir(exist_ok=True)
            (out / f"{name}.new").rename(out / "bin" / name)
            binaries[name] = str(out / "bin" / name)
    (out / "binaries.json").write_text(json.dumps(binaries, indent=1))
    print(binaries, done.stderr[-2000:] if done.returncode else "")


if __name__ == "__main__":
    main(sys.argv[1])

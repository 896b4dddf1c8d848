"""Runs the mutants of a switched copy: `run.py OUT reach`, `run.py OUT run [WORD..]` (those whose name has all words),
`run.py OUT report`.

`reach` runs every test by itself and writes which mutants it comes by, and how long it takes. `run` then runs for each
mutant the tests that come by it, the quickest first, until one fails: `outcomes.json`. A mutant that has an outcome
already is left alone; one that was missed is tried again with `--again`, with the tests that are new too.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import selectors
import signal
import subprocess
import sys
import threading
import time

# What fails need not shrink, and most breaks show in few cases.
SETTINGS = {"PORTCULLIS_CASES": "300", "PROPTEST_MAX_SHRINK_ITERS": "0", "RUST_BACKTRACE": "0"}
FOLDERS = {"core_unit": "gateway/core", "laws": "tests/laws", "regressions": "tests/laws"}
# They keep files in one folder: no two of them at once. A failure beside another run says nothing.
ALONE = threading.Lock()
# Tests are run together that take up to so many seconds.
STEPS = [0.03, 0.15, 0.6, 2.0]
# `MOST=1.5`: a first look, without the tests that take longer. What they may catch is told as `slow`.
MOST = float(os.environ.get("MOST", "inf"))
WORKERS = int(os.environ.get("WORKERS", "2"))
MEMORY = 6 << 30


class Copy:
    def __init__(self, out):
        self.out = pathlib.Path(out).resolve()
        self.binaries = json.loads((self.out / "binaries.json").read_text())
        self.mutants = json.loads((self.out / "mutants.json").read_text())

    def start(self, binary, arguments, seconds=3600, **env):
        return subprocess.Popen(
            ["prlimit", f"--as={MEMORY}", f"--cpu={seconds}", self.binaries[binary], *arguments],
            cwd=self.out / "tree" / FOLDERS[binary],
            env={**os.environ, **SETTINGS, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def tests(self, binary):
        process = self.start(binary, ["--list", "--format", "terse"])
        text = process.communicate()[0].decode()
        return re.findall(r"^(.+): test$", text, re.M)


def reach(copy):
    (copy.out / "reached").mkdir(exist_ok=True)

    def one(job):
        number, binary, test = job
        file = copy.out / "reached" / f"{number}"
        file.unlink(missing_ok=True)
        began = time.monotonic()
        process = copy.start(binary, ["--exact", test], PORTCULLIS_REACHED=str(file))
        text = process.communicate()[0].decode(errors="replace")
        took = time.monotonic() - began
        if process.returncode != 0:
            print("fails without a mutant:", binary, test, text[-500:], flush=True)
            return None
        ids = sorted(map(int, file.read_text().split())) if file.exists() else []
        return {"binary": binary, "test": test, "seconds": round(took, 3), "ids": ids}

    jobs = [(binary, test) for binary in copy.binaries for test in copy.tests(binary)]
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(one, [(n, *job) for n, job in enumerate(jobs)]))
    found = [one for one in found if one]
    (copy.out / "reach.json").write_text(json.dumps(found))
    print(len(found), "tests,", round(sum(one["seconds"] for one in found)), "s")
    for slow in sorted(found, key=lambda one: -one["seconds"])[:25]:
        print(slow["seconds"], slow["binary"], slow["test"], len(slow["ids"]))


def watch(process, limit):
    """The first test that fails, `timeout`, or none; the process has ended then.

    It ends by the processor's time (a machine may be busy); the clock is for what sleeps.
    """
    selector = selectors.DefaultSelector()
    selector.register(process.stdout, selectors.EVENT_READ)
    end, text, why = time.monotonic() + limit, b"", None
    while why is None:
        left = end - time.monotonic()
        if left <= 0:
            why = "timeout"
        elif selector.select(left):
            piece = os.read(process.stdout.fileno(), 65536)
            if not piece:
                break
            text += piece
            failed = re.search(rb"^test (\S+).* \.\.\. FAILED", text, re.M)
            why = failed and failed.group(1).decode()
    if why:
        process.kill()
    process.wait()
    process.stdout.close()
    if not why and process.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        why = "timeout"
    elif not why and process.returncode != 0:
        running = re.findall(rb"^test (\S+)", text, re.M)
        why = f"aborts {running[-1].decode() if running else ''}"
    return why


def batches(tests):
    """Quick tests together, slow ones by themselves."""
    together = {}
    for one in sorted(tests, key=lambda one: one["seconds"]):
        step = next((at for at, most in enumerate(STEPS) if one["seconds"] <= most), None)
        key = (step, one["binary"]) if step is not None else (len(STEPS), one["seconds"], one["test"], one["binary"])
        together.setdefault(key, []).append(one)
    return [together[key] for key in sorted(together)]


def run(copy, words, again):
    tests = json.loads((copy.out / "reach.json").read_text())
    path = copy.out / "outcomes.json"
    outcomes = json.loads(path.read_text()) if path.exists() else {}
    lock, done = threading.Lock(), [0]

    def one(mutant):
        number = mutant["id"]
        all_mine = [test for test in tests if number in test["set"]]
        mine = [test for test in all_mine if test["seconds"] <= MOST]
        state = "unreached" if not all_mine else "missed" if len(mine) == len(all_mine) else "slow"
        outcome = {"name": mutant["name"], "outcome": state, "tests": len(mine)}
        for batch in batches(mine):
            limit = 3 + round(6 * sum(test["seconds"] for test in batch))
            names = [test["test"] for test in batch]
            alone = batch[0]["binary"] == "regressions"
            if alone:
                ALONE.acquire()
            process = copy.start(
                batch[0]["binary"], ["--exact", "--test-threads=1", *names], limit, PORTCULLIS_MUTANT=str(number)
            )
            why = watch(process, 30 * limit)
            if alone:
                ALONE.release()
            if why:
                outcome.update(outcome="timeout" if why == "timeout" else "caught", by=why)
                break
        with lock:
            outcomes[str(number)] = outcome
            done[0] += 1
            if done[0] % 20 == 0:
                path.write_text(json.dumps(outcomes, indent=1))
            if outcome["outcome"] not in ("caught",):
                print(outcome["outcome"], mutant["name"], outcome.get("by", ""), flush=True)

    for test in tests:
        test["set"] = set(test["ids"])
    left = ("missed", "unreached", "slow") if again else ("slow",) if MOST == float("inf") else ()
    todo = [
        m
        for m in copy.mutants
        if m["state"] == "switched"
        and all(word in m["name"] for word in words)
        and (str(m["id"]) not in outcomes or outcomes[str(m["id"])]["outcome"] in left)
    ]
    print(len(todo), "to run", flush=True)
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(one, todo))
    path.write_text(json.dumps(outcomes, indent=1))


def report(copy):
    path = copy.out / "outcomes.json"
    outcomes = json.loads(path.read_text()) if path.exists() else {}
    columns = ["unviable", "unswitchable", "caught", "timeout", "missed", "unreached", "slow", "to run"]
    table, left = {}, []
    for mutant in copy.mutants:
        state = mutant["state"]
        if state == "switched":
            state = outcomes.get(str(mutant["id"]), {"outcome": "to run"})["outcome"]
        for row in (mutant["file"].removeprefix("gateway/core/src/"), "all"):
            table.setdefault(row, dict.fromkeys(columns, 0))[state] += 1
        if state in ("missed", "unreached", "unswitchable", "slow"):
            left.append(f"{state}: {mutant['name']} {mutant['reason']}".rstrip())
    print("| file | mutants | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 2))
    for row in sorted(table, key=lambda row: (row == "all", row)):
        numbers = list(table[row].values())
        print(f"| `{row}` | {sum(numbers)} | " + " | ".join(map(str, numbers)) + " |")
    print("\n".join(sorted(left)))


if __name__ == "__main__":
    copy = Copy(sys.argv[1])
    if sys.argv[2] == "reach":
        reach(copy)
    elif sys.argv[2] == "report":
        report(copy)
    else:
        run(copy, [word for word in sys.argv[3:] if word != "--again"], "--again" in sys.argv)

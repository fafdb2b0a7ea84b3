"""The table of a comparison of tools: runs in processes of their own, the tools in turns, medians of rounds."""

import argparse
import json
import statistics
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version


def compare(description, measure, sizes, heads, columns, caption):
    """Prints the table, or, in a process for one run, what `measure` returns for a tool and a size.

    Each of the sizes ends with the names of the tools that can run at it; `heads` names its other parts, the rows
    first. The columns are the numbers that `measure` returns: their names, each with its heading and format.
    """
    options = parse(description, heads)
    if options.measure:
        tool, *size = options.measure
        print(json.dumps(measure(tool, *map(int, size))))
        return
    headings = [*heads, "tool", *(heading for heading, _ in columns.values())]
    print(f"{caption}; medians of {options.rounds} rounds\n")
    print(f"| {' | '.join(headings)} |")
    print(f"|{'---:|' * len(heads)}---|{'---:|' * len(columns)}")
    for *size, tools in sizes:
        if size[0] <= options.most:
            for tool, runs in in_turns(tools, size, options).items():
                cells = [*(f"{x:,}" for x in size), *line(tool, runs, columns)]
                print(f"| {' | '.join(cells)} |", flush=True)


def parse(description, heads):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=300, help="seconds after which a run is stopped")
    parser.add_argument("--most", type=int, default=10**9, help="only sizes with at most this number of rows")
    parser.add_argument("--measure", nargs=1 + len(heads), help=argparse.SUPPRESS)
    return parser.parse_args()


def in_turns(tools, size, options):
    """The runs of each tool; a tool that failed once does not run again."""
    runs = {tool: [] for tool in tools}
    for _ in range(options.rounds):
        for tool, done in runs.items():
            if not any(isinstance(run, str) for run in done):
                done.append(in_child(tool, size, options.limit))
    return runs


def in_child(tool, size, limit):
    """The numbers of a run, or the reason why there are none."""
    command = [sys.executable, sys.argv[0], "--measure", tool, *map(str, size)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return f"more than {limit:g} s"
    if done.returncode:
        return done.stderr.strip().splitlines()[-1][:80]
    return json.loads(done.stdout.splitlines()[-1])


def line(tool, runs, columns):
    """The tool with its version, and the medians of its runs or the reason why it failed."""
    if isinstance(runs[-1], str):
        return [named(tool), runs[-1], *[""] * (len(columns) - 1)]
    return [named(tool), *(f"{statistics.median(run[name] for run in runs):{of}}" for name, (_, of) in columns.items())]


def named(tool):
    try:
        return f"{tool} ({version(tool.split(',')[0])})"
    except PackageNotFoundError:  # of R, or not installed, which its run says
        return tool

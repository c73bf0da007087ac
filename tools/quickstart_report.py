#!/usr/bin/env python3
"""Prints the table of a quickstart run and writes it with pictures into report.html.

usage: quickstart_report.py FOLDER
"""

import html
import json
import math
import sys
from pathlib import Path

# File, label
ROWS = [
    ("trained", "trained discriminator"),
    ("untrained", "same network, untrained"),
    ("pixels", "raw pixels"),
]

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>libdcgan quickstart</title>
<style>
  body {{ font: 16px/1.5 sans-serif; max-width: 50em; margin: 2em auto; padding: 0 1em; }}
  table {{ border-collapse: collapse; }}
  th, td {{ padding: .3em 1em; border-bottom: 1px solid #ccc; text-align: left; }}
  td.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
  img {{ image-rendering: pixelated; width: 100%; max-width: 40em; }}
</style>
<h1>libdcgan quickstart</h1>
<p>Accuracy of a linear SVM, fitted to {train_rows:,} images, on {test_rows:,} images that neither the network
nor the SVM has seen; &plusmn; is half the 95% interval of a proportion. C was chosen on images held out of
the training set.</p>
<table>
<tr><th>features</th><th>accuracy</th><th>C</th></tr>
{rows}
</table>
<p>{verdict}</p>
<h2>Images that it was trained on, without labels</h2>
<p><img src="images.png" alt="training images"></p>
<h2>Samples of the generator</h2>
{pictures}
<h2>How the network was made</h2>
<p>Training took {steps} steps. All options: <a href="trained/options.json">options.json</a>; losses:
<a href="trained/metrics.jsonl">metrics.jsonl</a>.</p>
</html>
"""


def half_interval(result):
    """Half the 95% interval of the accuracy."""
    p, n = result["accuracy"], result["test_rows"]
    return 1.96 * math.sqrt(p * (1 - p) / n)


def percent(result):
    return f"{100 * result['accuracy']:.1f} ± {100 * half_interval(result):.1f}%"


def verdict(results):
    """The plain truth about the three numbers, good or bad."""
    trained, names = results["trained"], dict(ROWS)
    sentences = []
    for name in ("untrained", "pixels"):
        difference = trained["accuracy"] - results[name]["accuracy"]
        doubt = math.hypot(half_interval(trained), half_interval(results[name]))
        word = "within the uncertainty of" if abs(difference) < doubt else "above" if difference > 0 else "BELOW"
        sentences.append(f"{100 * difference:+.1f} points, {word} {names[name]}")
    return "The trained network: " + "; ".join(sentences) + ". More steps or width: --steps, --width."


def sample_grids(folder):
    """The first and the last grid of samples, oldest first."""
    grids = sorted((folder / "trained/samples").glob("*.png"))
    return list(dict.fromkeys([*grids[:1], *grids[-1:]]))


def main():
    folder = Path(sys.argv[1])
    results = {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name, _ in ROWS}
    metrics = (folder / "trained/metrics.jsonl").read_text(encoding="utf-8").splitlines()

    print(f"{'features':<26}{'accuracy':>14}{'C':>10}")
    for name, label in ROWS:
        print(f"{label:<26}{percent(results[name]):>14}{results[name]['c']:>10.3g}")
    print(verdict(results))

    rows = "\n".join(
        f"<tr><td>{label}</td><td class=number>{percent(results[name])}</td>"
        f"<td class=number>{results[name]['c']:.3g}</td></tr>" for name, label in ROWS)
    pictures = "\n".join(
        f'<p>{grid.stem}<br><img src="trained/samples/{grid.name}" alt="{grid.stem}"></p>' for grid in sample_grids(folder))
    report = folder / "report.html"
    counts = {name: results["trained"][name] for name in ("train_rows", "test_rows")}
    report.write_text(PAGE.format(**counts, rows=rows, verdict=html.escape(verdict(results)), pictures=pictures,
                                  steps=json.loads(metrics[-1])["step"]), encoding="utf-8")
    print(f"report: {report}")


if __name__ == "__main__":
    main()

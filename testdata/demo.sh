#!/bin/sh
# The whole path once, on data made here: called by `make demo`.
set -eu
OUT=${OUT:-demo}
PENSTOCK=${PENSTOCK:-bin/penstock}
rm -rf "$OUT"

say() { printf '\n== %s\n' "$*"; }

say "penstock generate census: 100,000 training records and 25,000 to evaluate on"
"$PENSTOCK" generate census --rows 100000 --seed 1 --output "$OUT/data"

say "penstock train: three epochs, every step averaged over 8 shards in a Beam pipeline"
"$PENSTOCK" train --config testdata/census.yaml --train-files "$OUT/data/train.csv" --eval-files "$OUT/data/eval.csv" \
    --job-dir "$OUT/job" --epochs 3

say "penstock evaluate: the exported model on the evaluation file"
"$PENSTOCK" evaluate --model "$OUT/job" --eval-files "$OUT/data/eval.csv"

say "penstock predict: two people, as JSON"
cat testdata/people.json
"$PENSTOCK" predict --model "$OUT/job" --json-instances testdata/people.json

say "penstock batch-predict: 25,000 records to JSON lines"
"$PENSTOCK" batch-predict --model "$OUT/job" --input-paths "$OUT/data/eval.csv" --output-path "$OUT/predictions"
head -n 2 "$OUT"/predictions/prediction.results-*

#!/bin/sh
# Writes every vector to FOLDER and compares it with the committed one: ./run.sh FOLDER
set -e
mkdir -p "$1"
folder=$(realpath "$1")
cd "$(dirname "$0")"
for kind in data oneway lmm satterthwaite nested meta metareg toward credibility limma james_stein betabinomial gammapoisson bayes; do
  Rscript "$kind.R" "$folder"
done
python distributions.py "$folder"
python compare.py "$folder"

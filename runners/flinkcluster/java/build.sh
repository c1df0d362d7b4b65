#!/bin/sh
# Compiles the class beside it into nostaging.jar, against Beam's jars in the directory that is given.
set -eu
cd "$(dirname "$0")"
out=$(mktemp -d)
javac --release 8 -Xlint:-options -cp "$1/*" -d "$out" ClasspathScanningResourcesDetector.java
jar --create --file nostaging.jar --date=2000-01-01T00:00:00Z -C "$out" .
rm -r "$out"

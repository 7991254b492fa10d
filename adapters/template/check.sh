#!/bin/sh
# Grade the adapter beside this file with klconf <<.Version>>, for continuous integration. The seed is
# fixed, so that the same is asked every time; known.json lists what fails today. KLCONF is the command klconf.
set -eu
cd "$(dirname "$0")"
klconf=${KLCONF:-klconf}
case $("$klconf" --version) in
*" <<.Version>>") ;;
*) echo "check.sh: klconf <<.Version>> is needed: git checkout v<<.Version>> && go install ./cmd/klconf in its clone" >&2; exit 2 ;;
esac
if test -f known.json; then set -- --known known.json "$@"; fi
<<if .Build>><<.Build>>
<<end>>exec "$klconf" run --seed 1 --junit klconf.xml "$@" -- <<.Command>>

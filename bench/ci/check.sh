#!/bin/sh
# Correctness, accuracy and speed of one KL implementation, for continuous integration: see
# README.md beside this file.
#
#   check.sh correctness CMD ARG…      grade the adapter CMD against known.json
#   check.sh accuracy CMD ARG…         errors of each stratum may only fall
#   check.sh speed OLD NEW CMD ARG…    CMD in the folder NEW against CMD in the folder OLD
#   check.sh accept CMD ARG…           make what is now what is known
#
# KLCONF is the command klconf; KLCONF_KNOWN the folder with known.json and accuracy.txt.
set -eu
klconf=${KLCONF:-klconf}
known=${KLCONF_KNOWN:-klconf}
step=${1:?"what: correctness, accuracy, speed or accept"}
shift

graded() { # what is asked is the same every time: the seed is fixed
	"$klconf" run --seed 1 "$@"
}

case $step in
correctness)
	graded --known "$known/known.json" --junit klconf.xml -- "$@"
	;;
accuracy)
	# Whether it is right is the other step's question.
	graded --known "$known/known.json" --accuracy accuracy.txt -- "$@" >accuracy.log || test $? -eq 1
	"$klconf" gate --markdown accuracy.md "$known/accuracy.txt" accuracy.txt
	;;
speed)
	old=$1 new=$2
	shift 2
	case $old$new in /*/*) ;; *) echo "check.sh: OLD and NEW are absolute folders" >&2; exit 2 ;; esac
	quoted=
	for word in "$@"; do
		quoted="$quoted '$(printf %s "$word" | sed "s/'/'\\\\''/g")'"
	done
	bench="$klconf bench --sizes ${KLCONF_SIZES:-1024,128256} --data softmax,near-equal --passes 1 --rounds 1 --sample 50ms --steps=false --out - --"
	"$klconf" gate --run ${KLCONF_QUIET_HOST:+--quiet-host} --warn-wall-clock --unit x-dot,ns/op --markdown speed.md \
		"sh -c \"cd '$old' && $bench$quoted 2>/dev/null\"" "sh -c \"cd '$new' && $bench$quoted 2>/dev/null\""
	;;
accept)
	mkdir -p "$known"
	"$klconf" run --seed 1 --write-known "$known/known.json" --accuracy "$known/accuracy.txt" -- "$@" || test $? -eq 1
	;;
*)
	echo "check.sh: no step is called $step; there are correctness, accuracy, speed and accept" >&2
	exit 2
	;;
esac

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2034
#
# vfio.sh - what comes before a client of VFIO can start, and how it is led
#
# Sourced by the scripts beside it. They start a program that no one here wrote,
# wait until it has mapped its memory and works with it, run a command meanwhile
# (such as iommuscope ls), and have the program end by itself. Its status, or
# that of the command, is theirs.

here=$(cd "$(dirname "$0")" && pwd)
repo=${here%/tests/clients}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

CARD=0x8086:0x10d3	# e1000e, of scripts/vm --nics

fail() {
	echo "${0##*/}: $*" >&2
	exit 2
}

# use container|type1|cdev: what /dev/vfio/vfio is. The kernel makes it for type1 if
# that is built, but the ioctls of a container are understood by /dev/iommu, too.
use() {
	case $1 in
	container) ln -sf ../iommu /dev/vfio/vfio ;;
	type1 | cdev) ;;
	*) fail "'$1' is no interface to VFIO; known: container cdev type1" ;;
	esac
}

# give_to_vfio VENDOR:DEVICE: prints the address of each such device
give_to_vfio() {
	for device in /sys/bus/pci/devices/*; do
		[ "$(cat "$device/vendor"):$(cat "$device/device")" = "$1" ] || continue
		echo vfio-pci >"$device/driver_override"
		echo "${device##*/}" >/sys/bus/pci/drivers_probe
		[ -e "$device/vfio-dev" ] || fail "vfio-pci does not take ${device##*/}; is an IOMMU on?"
		echo "${device##*/}"
	done
}

# start PROGRAM [ARGUMENT]...: what tell says goes to its stdin, what it says to $work/said
start() {
	mkfifo "$work/stdin"
	{
		stdbuf -oL "$@"
		echo $? >"$work/ended"
	} <"$work/stdin" >"$work/said" 2>&1 &
	exec 7>"$work/stdin"
}

tell() {
	echo "$1" >&7
}

# await PATTERN FILE [QUESTION]: until a line is like that; asks the client again and again
await() {
	tries=0
	until grep -q "$1" "$2" 2>/dev/null; do
		[ ! -e "$work/ended" ] || finish 1
		[ $((tries += 1)) -lt 600 ] || {
			cat "$work/said" >&2
			fail "the client does not come to '$1'"
		}
		[ -z "${3-}" ] || tell "$3"
		sleep 0.5
	done
}

# finish STATUS: the client was told to end, or has ended
finish() {
	wait
	cat "$work/said"
	read -r ended <"$work/ended"
	[ "$ended" -eq 0 ] || exit "$ended"
	exit "$1"
}

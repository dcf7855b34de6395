#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# "iova-mt watch" in a terminal: nothing is wider than it, it follows its size,
# and ctrl-C leaves it as it was. The terminal is a pseudo terminal, and what
# is watched are files that look like the module's: loads nothing.

KTAP_LOG=no
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

TOOL=$(cd "$ktap_dir/../.." && pwd)/scripts/iova-mt
DOMAINS=40

work=$(mktemp -d)
typescript=$work/typescript
escape=$(printf '\033')

# --- what is watched --------------------------------------------------------

make_module()
{
	local dir="$work/sys/kernel/debug/iova_mt" id=0

	mkdir -p "$work/sys/module/iova_mt/parameters" "$dir/takeover" "$dir/fail_erase"
	echo 1.2.3 >"$work/sys/module/iova_mt/version"
	printf 'mode: new\nowned: %s\n' $DOMAINS >"$dir/takeover/state"
	printf 'pending_ranges: 1234567\npending_pages: 123456789\n' >"$dir/backlog"
	for knob in probability interval space times hits injected; do
		echo 90 >"$dir/fail_erase/$knob"
	done
	while [ $id -lt $DOMAINS ]; do
		id=$((id + 1))
		mkdir -p "$dir/domains/$id"
		printf 'id: %s\nallocator: maple\ndeferral: marker\n' $id >"$dir/domains/$id/summary"
		printf 'alloc: 123456789\nfree: 1234\n' >"$dir/domains/$id/stats"
		printf 'pending_ranges: %s\npending_pages: 99999999\n' $id >"$dir/domains/$id/backlog"
		echo "$id 0000:00:$(printf %02x $id).0" >>"$dir/takeover/devices"
	done
}

# --- the terminal -----------------------------------------------------------

# What runs in the terminal, which stays when ctrl-C has ended the tool.
make_session()
{
	cat >"$work/session" <<-EOF2
	trap : INT
	tty >"$work/tty"
	stty rows 24 cols 80
	stty -a >"$work/before"
	"$1" watch -n 0.1
	echo \$? >"$work/status"
	stty -a >"$work/after"
	EOF2
}

# open_terminal <locale>: what runs in the background would ignore ctrl-C
open_terminal()
{
	mkfifo "$work/keys"
	IOVA_MT_SYSFS="$work/sys" LC_ALL=$1 env --default-signal=INT,QUIT \
		script -qfec "sh $work/session" "$typescript" <"$work/keys" >/dev/null 2>&1 &
	terminal=$!
	exec 8>"$work/keys"
}

close_terminal()
{
	printf '\003' >&8
	wait_for 30 [ -s "$work/after" ]
	exec 8>&-
	wait $terminal
	rm "$work/keys"
}

# Each frame begins at the top of the screen.
frames()
{
	tr -d '\n' <"$typescript" | sed "s/$escape\[H/\n/g" | grep -c iova_mt
}

more_frames_than()
{
	[ "$(frames)" -gt "$1" ]
}

# newest: the last whole frame, as lines without what is no text
newest()
{
	tr '\n' '\001' <"$typescript" | sed "s/$escape\[H/\n/g" | tail -n 2 | head -n 1 |
		tr '\001' '\n' | sed "s/$escape\[[0-9;?]*[a-zA-Z]//g; s/\r//"
}

# fits <columns> <rows>: the newest frame, in a UTF-8 locale
fits()
{
	newest >"$work/frame"
	cat "$work/frame"
	! LC_ALL=C.UTF-8 grep -E "^.{$(($1 + 1))}" "$work/frame" &&
		[ "$(wc -l <"$work/frame")" -le "$2" ]
}

# resize <columns> <rows>: and wait until that has been drawn
resize()
{
	stty -F "$(cat "$work/tty")" cols "$1" rows "$2"
	wait_for 30 more_frames_than $(($(frames) + 2))
}

resized_fits()
{
	resize "$1" "$2" && fits "$1" "$2"
}

newest_has()
{
	newest | LC_ALL=C.UTF-8 grep "$1"
}

terminal_is_restored()
{
	diff "$work/before" "$work/after"
}

# The last word is that the old screen is back, and the cursor on.
screen_is_left()
{
	grep -qF "${escape}[?1049h" "$typescript" &&
		tail -c 200 "$typescript" | grep -qF "${escape}[?25h${escape}[?1049l"
}

ktap_start
command -v script >/dev/null || ktap_skip_all "there is no script(1)"
[ "$(id -u)" = 0 ] || ktap_skip_all "must be run as root"
make_module
make_session "$TOOL"

open_terminal C.UTF-8
check "it draws" wait_for 30 more_frames_than 3
check "80 columns: nothing is wider or longer" fits 80 24
check "the longest backlog is first" newest_has "^  40 maple/marker .* 0000:00:28.0"
check "what has no room is counted" newest_has "\.\.\. and [0-9]* with less or younger backlog"
check "the backlog over time is drawn" newest_has "█"
check "50 columns: nothing is wider or longer" resized_fits 50 12
check "132 columns: nothing is wider or longer" resized_fits 132 60
check "then there is room for all" newest_has "^   1 maple/marker"
mv "$work/sys/kernel/debug/iova_mt" "$work/gone"
mv "$work/sys/module/iova_mt" "$work/unloaded"
resize 80 24
check "it waits for a module that has gone" newest_has "is not loaded: waiting"
close_terminal
check_equal "ctrl-C ends it" 0 "$(cat "$work/status")"
resized=$(sed -n 's/; line.*//; s/.*\(rows.*\)/\1/p' "$work/after" | head -n 1)
sed -i "s/rows 24; columns 80/$resized/" "$work/before"
check "the terminal is what it was" terminal_is_restored
check "and so is the screen" screen_is_left

mv "$work/gone" "$work/sys/kernel/debug/iova_mt"
mv "$work/unloaded" "$work/sys/module/iova_mt"
rm "$work/after" "$typescript"
open_terminal C
check "it draws in a terminal without UTF-8" wait_for 30 more_frames_than 3
check "with what there is there" newest_has "^1235k max  *##*"
close_terminal
check_equal "nothing but ASCII has been written" "" "$(LC_ALL=C tr -d '\000-\177' <"$typescript")"
rm -r "$work"
ktap_end

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# "iova-mt watch" in a terminal: nothing is wider than it, it follows its size,
# what is wrong is red, and q and ctrl-C leave it as it was. The terminal is a pseudo terminal, and what
# is watched are files that look like the module's: loads nothing.

KTAP_LOG=no
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=module.inc
. "$ktap_dir/module.inc"

TOOL=$(cd "$ktap_dir/../.." && pwd)/scripts/iova-mt
DOMAINS=40

work=$(mktemp -d)
typescript=$work/typescript
escape=$(printf '\033')
red="${escape}[31m"

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

# open_terminal <locale> [NO_COLOR]: what runs in the background would ignore
# ctrl-C
open_terminal()
{
	rm -f "$work/after" "$work/status" "$typescript"
	mkfifo "$work/keys"
	NO_COLOR="${2:-}" IOVA_MT_SYSFS="$sys" LC_ALL=$1 env --default-signal=INT,QUIT \
		script -qfec "sh $work/session" "$typescript" <"$work/keys" >/dev/null 2>&1 &
	terminal=$!
	exec 8>"$work/keys"
}

# close_terminal <key>
close_terminal()
{
	# shellcheck disable=SC2059 # a key
	printf "$1" >&8
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

# written <text>: anywhere
written()
{
	grep -qF -e "$1" "$typescript"
}

not_written()
{
	! written "$1"
}

# graph_is <rows>: the lines between the blank ones around it, as long as the
# backlog is the same all the time
graph_is()
{
	newest >"$work/frame"
	cat "$work/frame"
	[ "$(LC_ALL=C.UTF-8 grep -c '█' "$work/frame")" = "$1" ]
}

# quits: the tool is gone although the terminal is still open
quits()
{
	printf q >&8
	wait_for 30 [ -s "$work/after" ]
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
make_module "$work/sys" $DOMAINS
dir=$sys/kernel/debug/iova_mt
make_point fail_erase 1 90 0 -1 90 90
make_session "$TOOL"

open_terminal C.UTF-8
check "it draws" wait_for 30 more_frames_than 3
check "80 columns: nothing is wider or longer" fits 80 24
check "the longest backlog is first" newest_has "^  40 maple/marker .* 0000:00:28.0"
check "what has no room is counted" newest_has "\.\.\. and [0-9]* with less or younger backlog"
check "the backlog over time is drawn" newest_has "█"
check "nothing is red as long as nothing is wrong" not_written "$red"
check "50 columns: nothing is wider or longer" resized_fits 50 12
check "132 columns: nothing is wider or longer" resized_fits 132 60
check "then there is room for all" newest_has "^   1 maple/marker"
check "and for more rates" newest_has "ALLOC/s  FREE/s DEFER/s"
mv "$dir" "$work/gone"
mv "$sys/module/iova_mt" "$work/unloaded"
resize 80 24
check "it waits for a module that has gone" newest_has "is not loaded: waiting"
close_terminal '\003'
check_equal "ctrl-C ends it" 0 "$(cat "$work/status")"
resized=$(sed -n 's/; line.*//; s/.*\(rows.*\)/\1/p' "$work/after" | head -n 1)
sed -i "s/rows 24; columns 80/$resized/" "$work/before"
check "the terminal is what it was" terminal_is_restored
check "and so is the screen" screen_is_left

mv "$work/gone" "$dir"
mv "$work/unloaded" "$sys/module/iova_mt"
open_terminal C
check "it draws in a terminal without UTF-8" wait_for 30 more_frames_than 3
check "with what there is there" newest_has "^1235k max  *##*"
close_terminal '\003'
check_equal "nothing but ASCII has been written" "" "$(LC_ALL=C tr -d '\000-\177' <"$typescript")"

# One domain, whose driver frees what it was not given, and is refused, too.
rm -r "$sys"
make_module "$work/sys" 1
printf 'allocator: maple-plain\ndeferral: marker\nid: 1\n' >"$dir/domains/1/summary"
printf 'alloc: 9\nfree: 1\nalloc_no_space: 4\nalloc_no_memory: 8\nfree_unknown: 16\n' |
	tee "$dir/stats" >"$dir/domains/1/stats"
open_terminal C.UTF-8
check "it draws one domain" wait_for 30 more_frames_than 3
check "names are whole" newest_has "^   1 maple-plain/marker "
check "refusals are shown" newest_has "^refused .* 12 in all"
check "unknown frees are shown" newest_has "^unknown  *16 frees of what was not handed out"
check "of the domain, too" newest_has "^   1 .*  12  *16 0000:00:01.0"
check "what is wrong is red" written "$red"
resize 80 24
check "the graph takes what is left of 24 rows" graph_is 8
resize 80 50
check "and of 50" graph_is 34
check "q ends it" quits
check_equal "with status 0" 0 "$(cat "$work/status")"
close_terminal ''
check "the screen is left" screen_is_left

open_terminal C.UTF-8 1
check "it draws with NO_COLOR" wait_for 30 more_frames_than 3
close_terminal '\003'
check "and without a colour" not_written "${escape}[3"
rm -r "$work"
ktap_end

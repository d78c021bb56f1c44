#!/bin/sh
# The servers that `make bench` compares with: Kamailio from this system's packages, and Asterisk 22 of Debian sid,
# unpacked into a folder of its own (.bench/sid; nothing of it is installed). Needs root and Debian; without, this says
# what is missing, and the bench measures what is there.
set -eu
cd "$(dirname "$0")/.."
sid=.bench/sid
say() { printf 'bench: %s\n' "$*" >&2; }

missing=""
command -v sipp >/dev/null 2>&1 || missing="$missing sip-tester"
[ -x /usr/sbin/kamailio ] || missing="$missing kamailio"
[ -x "$sid/usr/sbin/asterisk" ] || command -v mmdebstrap >/dev/null 2>&1 || missing="$missing mmdebstrap"
if ! { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }; then
    [ -z "$missing" ] && [ -x "$sid/usr/sbin/asterisk" ] ||
        say "Asterisk or Kamailio is left out where it is not there: both are set up on Debian, as root"
    exit 0
fi
if [ -n "$missing" ]; then
    say "installing$missing"
    # shellcheck disable=SC2086
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } \
        >/dev/null || say "apt could not install$missing: left out"
fi
[ -x "$sid/usr/sbin/asterisk" ] && exit 0
command -v mmdebstrap >/dev/null 2>&1 || exit 0

# From the mirror that this system uses. Its index of sid may be out of date, which is no matter here and is allowed for
# this folder alone; signatures are checked as ever. Packages are unpacked, none of their scripts runs.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -n 1)
if [ -z "$mirror" ]; then
    say "this system has no mirror of Debian: Asterisk is left out"
    exit 0
fi
say "unpacking Asterisk of Debian sid into $sid, which takes some twenty seconds"
rm -rf "$sid" "$sid.part"
mkdir -p "$(dirname "$sid")"
mmdebstrap --quiet --variant=extract --include=base-files,asterisk \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
    sid "$sid.part" "$mirror" && mv "$sid.part" "$sid" || {
    rm -rf "$sid.part"
    say "Debian sid cannot be had from this system's mirror: Asterisk is left out"
}

#!/bin/sh
# The servers that `make bench` compares with, Asterisk 22 and Kamailio of Debian sid, unpacked into a folder of its own
# (.bench/sid): nothing of them is installed, none of their services starts. Needs root and Debian; without, this says
# what is missing, and the bench measures what is there.
set -eu
cd "$(dirname "$0")/.."
sid=.bench/sid
say() { printf 'bench: %s\n' "$*" >&2; }

missing=""
command -v sipp >/dev/null 2>&1 || missing="$missing sip-tester"
if [ -x "$sid/usr/sbin/asterisk" ] && [ -x "$sid/usr/sbin/kamailio" ]; then
    [ -z "$missing" ] && exit 0
else
    command -v mmdebstrap >/dev/null 2>&1 || missing="$missing mmdebstrap"
fi
if ! { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }; then
    say "Asterisk and Kamailio are left out where they are not there: they are set up on Debian, as root"
    exit 0
fi
if [ -n "$missing" ]; then
    say "installing$missing"
    # shellcheck disable=SC2086
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } \
        >/dev/null || say "apt could not install$missing"
fi
[ -x "$sid/usr/sbin/asterisk" ] && [ -x "$sid/usr/sbin/kamailio" ] && exit 0

# From the mirror that this system uses. Its index of sid may be out of date, which is no matter here and is allowed for
# this folder alone; signatures are checked as ever. Packages are unpacked, none of their scripts runs.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -n 1)
if [ -z "$mirror" ] || ! command -v mmdebstrap >/dev/null 2>&1; then
    say "there is no mirror of Debian, or no mmdebstrap: Asterisk and Kamailio are left out"
    exit 0
fi
say "unpacking Asterisk and Kamailio of Debian sid into $sid, which takes some twenty seconds"
rm -rf "$sid" "$sid.part"
mkdir -p "$(dirname "$sid")"
mmdebstrap --quiet --variant=extract --include=base-files,asterisk,kamailio \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
    sid "$sid.part" "$mirror" && mv "$sid.part" "$sid" || {
    rm -rf "$sid.part"
    say "Debian sid cannot be had from this system's mirror: Asterisk and Kamailio are left out"
}

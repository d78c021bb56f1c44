#!/bin/sh
# The SIP programs that the tests call: SIPp, baresip and linphonec. With root they are installed by apt; without, the
# tests that need them are skipped, and this says so.
set -eu
missing=""
command -v sipp >/dev/null 2>&1 || missing="$missing sip-tester"
command -v baresip >/dev/null 2>&1 || missing="$missing baresip-core"
command -v linphonec >/dev/null 2>&1 || missing="$missing linphone-cli"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    printf 'Installing test peers:%s\n' "$missing"
    apt-get update -qq >/dev/null
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    printf 'Test peers are missing and their tests will be skipped. To run them: sudo apt install%s\n' "$missing" >&2
fi

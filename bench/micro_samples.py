"""Messages as baresip 1.0, Linphone 5.1 and the phones of this bench send them, to be filled in anew each time.

`{call}` is one call, `{branch}` one transaction, `{tag}` one tag of ours: what comes once and never again. `{number}`
and `{port}` belong to one phone of an office, and come back with each of its calls.
"""

from collections.abc import Iterator
from itertools import count

PHONES = 100
"""Phones in the office."""

_AUTHORIZATION = (
    'Authorization: Digest username="{number}", realm="ringdove", nonce="QdrCPi4eSQBmSIAZeXNYN9LbcgMhnH4J7y4{branch}=",'
    ' uri="sip:6300@127.0.0.1:5060;transport=udp", response="6bb847c066576f22{branch}", cnonce="{branch}", qop=auth, '
    "nc=00000001\n"
)
_BARESIP_ALLOW = "Allow: INVITE,ACK,BYE,CANCEL,OPTIONS,NOTIFY,SUBSCRIBE,INFO,MESSAGE,REFER\n"
_LINPHONE_ALLOW = (
    "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO, PRACK, UPDATE\n"
    "Contact: <sip:{number}@127.0.0.1:{port};transport=udp>;expires=3600;"
    '+sip.instance="<urn:uuid:9de22f17-3235-0063-91ba-08a738ea{number}>"\n'
)

BARESIP_OFFER = """\
v=0
o=- 3281349657 {clock} IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
a=tool:baresip 1.0.0
m=audio {media} RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=sendrecv
a=label:1
a=rtcp-rsize
a=ssrc:{clock} cname:sip:{number}@127.0.0.1:5060
a=minptime:20
a=ptime:20
"""
LINPHONE_OFFER = """\
v=0
o={number} 2275 {clock} IN IP4 127.0.0.1
s=Talk
c=IN IP4 127.0.0.1
t=0 0
a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics
m=audio {media} RTP/AVP 96 97 98 0 8 18 99 100 101
a=rtpmap:96 opus/48000/2
a=fmtp:96 useinbandfec=1
a=rtpmap:97 speex/16000
a=fmtp:97 vbr=on
a=rtpmap:98 speex/8000
a=fmtp:98 vbr=on
a=fmtp:18 annexb=yes
a=rtpmap:99 telephone-event/48000
a=rtpmap:100 telephone-event/16000
a=rtpmap:101 telephone-event/8000
a=rtcp:{media}
a=rtcp-fb:* trr-int 1000
a=rtcp-fb:* ccm tmmbr
"""
LINPHONE_ANSWER = """\
v=0
o={number} 84 {clock} IN IP4 127.0.0.1
s=Talk
c=IN IP4 127.0.0.1
t=0 0
m=audio {media} RTP/AVP 0 8 101
a=rtpmap:101 telephone-event/8000
a=rtcp:{media}
"""

_OF_CALLER = (
    "Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{branch};rport\n"
    "Contact: <sip:{number}-0x55d719c1c370@127.0.0.1:{port}>\n"
    "Max-Forwards: 70\n"
)
_CALLER_ENDS = "From: <sip:{number}@127.0.0.1:5060>;tag={call}\nCall-ID: {call}\n"
_OF_MEMBER = (
    "Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK{branch};rport=5060;received=127.0.0.1\n"
    'From: "Wren" <sip:2001@127.0.0.1>;tag={call}\nTo: <sip:{number}@127.0.0.1>;tag={tag}\nCall-ID: {call}\n'
)

INVITE = (
    "INVITE sip:6300@127.0.0.1:5060;transport=udp SIP/2.0\n"
    f"{_OF_CALLER}To: <sip:6300@127.0.0.1:5060;transport=udp>\n{_CALLER_ENDS}CSeq: 59800 INVITE\n"
    f"User-Agent: baresip v1.0.0 (x86_64/linux)\n{_BARESIP_ALLOW}Supported:\nContent-Type: application/sdp\n"
    f"Content-Length: {{length}}\n\n{BARESIP_OFFER}"
)
WITH_PASSWORD = INVITE.replace("To:", f"{_AUTHORIZATION}To:", 1).replace("59800", "59801")
ACK = (
    "ACK sip:127.0.0.1:5060 SIP/2.0\n"
    f"{_OF_CALLER}To: <sip:6300@127.0.0.1:5060;transport=udp>;tag={{tag}}\n{_CALLER_ENDS}CSeq: 59801 ACK\n"
    "User-Agent: baresip v1.0.0 (x86_64/linux)\nContent-Length: 0\n\n"
)
BYE = ACK.replace("ACK", "BYE").replace("59801", "59802").replace("To:", f"{_AUTHORIZATION}To:", 1)
REGISTER = (
    "REGISTER sip:127.0.0.1:5060;transport=udp SIP/2.0\n"
    f"{_OF_CALLER}{_AUTHORIZATION}To: <sip:{{number}}@127.0.0.1:5060>\n{_CALLER_ENDS}CSeq: 50990 REGISTER\n"
    f"User-Agent: baresip v1.0.0 (x86_64/linux)\n{_BARESIP_ALLOW}Content-Length: 0\n\n"
)
RINGING = (
    f"SIP/2.0 180 Ringing\n{_OF_MEMBER}CSeq: 1 INVITE\nServer: baresip v1.0.0 (x86_64/linux)\n"
    f"Contact: <sip:{{number}}-0x55cb3b8b3370@127.0.0.1:{{port}}>\n{_BARESIP_ALLOW}Content-Length: 0\n\n"
)
ANSWERED = (
    f"SIP/2.0 200 Ok\n{_OF_MEMBER}CSeq: 1 INVITE\nUser-Agent: Linphonec/5.1.65\n"
    f"Supported: replaces, outbound, gruu\n{_LINPHONE_ALLOW}Content-Type: application/sdp\n"
    f"Content-Length: {{length}}\n\n{LINPHONE_ANSWER}"
)
CANCELLED = (
    f"SIP/2.0 487 Request Terminated\n{_OF_MEMBER}CSeq: 1 INVITE\n"
    "Server: baresip v1.0.0 (x86_64/linux)\nContent-Length: 0\n\n"
)

_made = count(1)


def fresh(sample: str, times: int) -> Iterator[bytes]:
    """So many of a sample, each of another call than any before, phones in turn."""
    return (_filled(sample, next(_made)) for _ in range(times))


def fresh_calls(times: int) -> Iterator[list[bytes]]:
    """So many calls, each what comes of its caller and one phone: that rings, is answered, or is cancelled."""
    comes = (INVITE, ACK, WITH_PASSWORD, RINGING, ANSWERED, CANCELLED, ACK, BYE)
    return ([_filled(sample, number) for sample in comes] for number in (next(_made) for _ in range(times)))


def _filled(sample: str, number: int) -> bytes:
    head, end, body = sample.replace("\n", "\r\n").partition("\r\n\r\n")
    if not end:  # a body alone
        head, body = "", head
    phone = number % PHONES
    once = {
        "call": f"{number:016x}",
        "branch": f"{number * 7919:016x}",
        "tag": f"{number * 104_729:016x}",
        "number": f"{2000 + phone}",
        "port": f"{48_000 + phone}",
        "clock": f"{1_540_000_000 + number}",
        "media": f"{10_000 + 2 * (number % 20_000)}",
    }
    text = body.format_map(once)
    return f"{head.format_map({**once, 'length': len(text)})}{end}{text}".encode()

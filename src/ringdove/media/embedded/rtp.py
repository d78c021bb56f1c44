"""Telling RTP and RTCP from junk, by the header alone (RFC 3550 §5.1, §6.1, appendix A)."""


def is_rtp(packet: bytearray, size: int) -> bool:
    """Whether the first `size` bytes are a well-formed RTP packet: version, CSRCs, extension and padding fit."""
    if size < 12 or packet[0] & 0xC0 != 0x80:
        return False
    flags = packet[0] & 0x3F
    if not flags:
        return True
    end = 12 + 4 * (flags & 0x0F)
    if flags & 0x10:
        end += 4
        if end > size:
            return False
        end += 4 * (packet[end - 2] << 8 | packet[end - 1])
    if flags & 0x20:
        padding = packet[size - 1]
        if not padding:
            return False
        end += padding
    return end <= size


def is_rtcp(packet: bytearray, size: int) -> bool:
    """Whether the first `size` bytes begin with a well-formed RTCP packet."""
    if size < 8 or packet[0] & 0xC0 != 0x80 or not 192 <= packet[1] <= 223:
        return False
    return 4 + 4 * (packet[2] << 8 | packet[3]) <= size

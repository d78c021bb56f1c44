"""Telling RTP from junk by its header (RFC 3550 §5.1, appendix A.1), and taking off what is not passed on."""

HEADER_SIZE = 12


def plain(packet: bytearray, size: int) -> int:
    """Leave only the twelve octets that every header has, and the payload: CSRCs, header extension and padding go.

    Returns what is left of `size` bytes; 0 when they are no well-formed RTP packet, which is changed then in no way.
    """
    if size < HEADER_SIZE or packet[0] & 0xC0 != 0x80:
        return 0
    flags = packet[0] & 0x3F
    if not flags:
        return size
    start, end = HEADER_SIZE + 4 * (flags & 0x0F), size
    if flags & 0x10:
        start += 4
        if start > size:
            return 0
        start += 4 * (packet[start - 2] << 8 | packet[start - 1])
    if flags & 0x20:
        padding = packet[size - 1]
        if not padding:
            return 0
        end -= padding
    if start > end:
        return 0
    left = HEADER_SIZE + end - start
    packet[HEADER_SIZE:left] = packet[start:end]
    packet[0] = 0x80
    return left

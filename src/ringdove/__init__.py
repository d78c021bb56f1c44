"""Ringdove, a self-hosted call server (PBX) for SIP phones."""

"""Voicemail: recordings become messages in mailboxes, which are told of by e-mail.

Calls record; the notifier tells phones; the interface lists. Here is what lies between.
"""

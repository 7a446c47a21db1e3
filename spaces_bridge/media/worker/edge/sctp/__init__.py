"""SCTP over DTLS (RFC 8261) as far as data channels to clients of calls need it."""

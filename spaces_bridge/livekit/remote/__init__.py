"""People in the call who publish at their own server's SFU, heard by way of relays there."""

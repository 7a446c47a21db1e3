"""The configuration: one schema, from which the example file and every error text follow."""

from spaces_bridge.config.schema import PLACEHOLDER, Config, PermissionName
from spaces_bridge.config.source import load, read_document, settings_from

__all__ = ["PLACEHOLDER", "Config", "PermissionName", "load", "read_document", "settings_from"]

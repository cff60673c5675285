"""Settings: what can be set, where it is read from, and what may not change under a state."""

from crm_online.settings.conflict import conflicts, from_shaping, refuse_conflict
from crm_online.settings.fields import FEATURE_NAMES
from crm_online.settings.keys import KEYS, WEBHOOK_KEYS, Key, as_typed, as_written
from crm_online.settings.load import LoadedSettings, load_settings
from crm_online.settings.model import (
    BasketSettings,
    EventSettings,
    FeatureSettings,
    ItemsetSettings,
    ReplaySettings,
    RuleSettings,
    SegmentSettings,
    Settings,
)
from crm_online.settings.network import MASK
from crm_online.settings.privacy import PrivacySettings
from crm_online.settings.service import ChangeSettings, KafkaSettings, ServeSettings, WorkerSettings
from crm_online.settings.webhooks import WebhookSettings

__all__ = [
    "FEATURE_NAMES",
    "KEYS",
    "MASK",
    "WEBHOOK_KEYS",
    "BasketSettings",
    "ChangeSettings",
    "EventSettings",
    "FeatureSettings",
    "ItemsetSettings",
    "KafkaSettings",
    "Key",
    "LoadedSettings",
    "PrivacySettings",
    "ReplaySettings",
    "RuleSettings",
    "SegmentSettings",
    "ServeSettings",
    "Settings",
    "WebhookSettings",
    "WorkerSettings",
    "as_typed",
    "as_written",
    "conflicts",
    "from_shaping",
    "load_settings",
    "refuse_conflict",
]

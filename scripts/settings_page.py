"""Print docs/settings.md: every setting, from the model itself. `make docs` writes the page."""

from __future__ import annotations

from itertools import groupby

from crm_online.settings import KEYS, WEBHOOK_KEYS, Settings, WebhookSettings, as_typed, as_written

HEAD = """\
# Settings

<!-- Made by `make docs` from crm_online/settings/model.py: change it there. -->

Settings are read in this order, the later ones stronger: the defaults below; `crm-online.toml` in the working
folder (or the file that `--config` names); the environment, `CRM_ONLINE_SECTION__KEY`; the command line,
`--set section.key=value`. `crm-online config` shows what is in force and where it came from. A key that is none
is refused, and so is a value that does not fit.

```toml
[features]
half_life = "60d"
use = ["orders", "spending", "recency"]

[features.weights]
recency = 2

[segments]
k = 8
```

```sh
CRM_ONLINE_SEGMENTS__K=8 crm-online replay log.jsonl
crm-online replay log.jsonl --set segments.k=8
```

Durations are a number and a unit: `ms`, `s`, `m` (minutes), `h`, `d`, `w`. Sizes: `kB`, `MB`, `GB` (thousands) or
`KiB`, `MiB`, `GiB` (1024). All settings but `changes.*`, `privacy.*`, `kafka.*`, `worker.*`, `serve.*` and
`webhooks.*` shape the state: they are stored with it, and a replay or worker that goes on with it under others is
refused. Passwords are never shown.
"""


def page() -> str:
    """Return the page as Markdown."""
    of_webhook = WebhookSettings.model_construct(url="").model_dump(mode="json")
    defaults = as_written(Settings()) | {key.name: of_webhook[name] for name, key in WEBHOOK_KEYS.items()}
    parts = [HEAD]
    sections = {name: field.annotation for name, field in Settings.model_fields.items()} | {"webhooks": WebhookSettings}
    every = [*KEYS.values(), *WEBHOOK_KEYS.values()]
    for section, keys in groupby(every, key=lambda key: key.name.partition(".")[0]):
        about = sections[section]
        parts += [f"## {section}", "", (about.__doc__ or "").splitlines()[0] if about else "", ""]
        parts += ["| key | default | allowed | what it does |", "|---|---|---|---|"]
        for key in keys:
            value = defaults[key.name]
            default = ", ".join(map(str, value)) if isinstance(value, list) else as_typed(value)
            parts.append(
                f"| `{key.name}` | {f'`{default}`' if default else 'must be set'} | {key.allowed} | {key.description} |"
            )
        parts.append("")
    return "\n".join(parts)


if __name__ == "__main__":
    print(page(), end="")

"""Robustness, body sites and the difference from a twin, as a reader sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imbalance_derm.experiment.record import Figure, Record
from imbalance_derm.report.confusion import confusion_rows
from imbalance_derm.report.curves import severity_curves
from imbalance_derm.report.summary import figure_text, title_of

_TITLES = {"jpeg": "JPEG"}


def robustness_view(record: Record) -> dict[str, Any] | None:
    """Return the table and chart of figures on corrupted images; None where there are none."""
    if not record.robustness:
        return None
    measured = record.robustness.values()
    first, kinds = next(iter(record.robustness)), next(iter(measured))["by_corruption"]
    rows = [
        ("Clean", [_text(found["clean"]) for found in measured]),
        ("Corrupted, mean of all", [_text(found["mean"]) for found in measured]),
        *((words(k), [_text(found["by_corruption"][k]) for found in measured]) for k in kinds),
    ]
    clean = record.robustness[first]["clean"]["value"]
    curves = record.robustness[first]["by_severity"]
    return {
        "heads": [title_of(metric) for metric in record.robustness],
        "rows": rows,
        "chart": severity_curves(clean, {words(k): v for k, v in curves.items()}, title_of(first)),
        "metric": title_of(first),
    }


def paired_view(record: Record) -> dict[str, Any] | None:
    """Return sentences and table of the difference from the twin; None where there is none."""
    paired = record.paired
    if not paired:
        return None
    conditions = {"Clean": paired["clean"]}
    if "corrupted" in paired:
        conditions["Corrupted, mean of all"] = paired["corrupted"]
        conditions |= {words(kind): found for kind, found in paired["by_corruption"].items()}
    metrics = list(paired["clean"]["figures"])
    rows = [
        (name, [_text(found["figures"][metric]["difference"]) for metric in metrics])
        for name, found in conditions.items()
    ]
    sentences = [
        f"{name}: {found['sentence']}"
        for name, found in conditions.items()
        if name == "Clean" or name.startswith("Corrupted")
    ]
    heads = [title_of(metric) for metric in metrics]
    return {"twin": paired["twin"], "sentences": sentences, "heads": heads, "rows": rows}


def sites_view(record: Record) -> dict[str, Any] | None:
    """Return what body sites tell, as sentences and tables; None where none are known."""
    sites = record.sites
    if not sites:
        return None
    view: dict[str, Any] = {"sentences": [_information(sites["information"])]}
    view |= {"by_site": None, "confusion": None}
    if sites["learned"]:
        learned = ", ".join(f"{words(k).lower()} {v:.3g}" for k, v in sites["learned"].items())
        view["sentences"].append(f"Learned by the head: {learned}.")
    if sites["by_site"]:
        metrics = list(sites["by_site"][0]["figures"])
        view["by_site"] = {
            "heads": ["Images", "Lesions", *map(title_of, metrics)],
            "rows": [
                (
                    row["site"],
                    [f"{row['images']:,}", f"{row['lesions']:,}"]
                    + [_text(row["figures"][metric]) for metric in metrics],
                )
                for row in sites["by_site"]
            ],
        }
    if sites["confusion"]:
        view["confusion"] = {
            "split": sites["confusion_split"],
            "rows": confusion_rows(sites["names"], sites["confusion"]),
        }
    return view


def words(name: str) -> str:
    """Return a name of several words for a reader.

    Examples
    --------
    >>> words("colour_cast"), words("jpeg")
    ('Colour cast', 'JPEG')
    """
    text = name.replace("_", " ")
    return _TITLES.get(name, text[:1].upper() + text[1:])


def _information(found: Mapping[str, Any]) -> str:
    bits = figure_text(Figure(**{k: found["bits"][k] for k in ("value", "low", "high")}))
    return (
        f"Body site and class of the training lesions share {bits} bits of information, "
        f"{found['share']:.1%} of what is uncertain about the class (permutation test: p = "
        f"{found['p_value']:.3g}): what learning the site can hope to use."
    )


def _text(figure: Mapping[str, Any]) -> str:
    value = float("nan") if figure["value"] is None else figure["value"]
    return figure_text(Figure(value, figure["low"], figure["high"]))

"""The public names: what a plugin or a script may import. Anything else is private.

A public name keeps its place and its signature within a minor version; a change of either stands
in CHANGELOG.md. Private names may change at any time.
"""

from __future__ import annotations

PUBLIC: dict[str, tuple[str, ...]] = {
    "imbalance_derm": ("Component", "Experiment", "Record", "__version__", "hookimpl"),
    "imbalance_derm.data.contract": ("Dataset",),
    "imbalance_derm.data.lesions": ("LesionSet", "lesion_table"),
    "imbalance_derm.errors": ("ImbdermError", "InputError", "RunError"),
    "imbalance_derm.experiment.events": (
        "EpochFinished",
        "Event",
        "Listener",
        "RunFinished",
        "RunStarted",
        "StageFinished",
        "StageProgress",
        "StageStarted",
        "StageWaits",
    ),
    "imbalance_derm.experiment.files": ("write_text",),
    "imbalance_derm.experiment.record": ("Figure", "Record", "StageEntry"),
    "imbalance_derm.losses.contract": ("ClassCounts", "Loss", "LossContext"),
    "imbalance_derm.models.contract": (
        "Backbone",
        "Batch",
        "Counts",
        "Head",
        "Model",
        "Outputs",
        "Task",
    ),
    "imbalance_derm.pipeline.experiment": ("resume",),
    "imbalance_derm.posthoc.contract": ("Posthoc", "PosthocContext"),
    "imbalance_derm.registry.component": ("API", "KINDS"),
    "imbalance_derm.registry.parameters": ("create",),
    "imbalance_derm.sampling.class_balanced": ("ClassBalanced",),
    "imbalance_derm.sampling.contract": ("Sampler", "SamplingContext"),
    "imbalance_derm.sampling.mixing": (
        "Generated",
        "Mixed",
        "Mixer",
        "MixingContext",
        "beta_shares",
        "interpolate",
        "mix_with_label_shares",
        "random_partners",
    ),
    "imbalance_derm.schedule.contract": ("TrainingStage",),
    "imbalance_derm.schedule.step": ("Parts", "Step", "classification_objective"),
    "imbalance_derm.synth.contract": ("CHUNK", "Chunk", "Provenance", "Synthesizer"),
    "imbalance_derm.synth.pixels": ("to_images", "to_tensor"),
    "imbalance_derm.synth.sources": ("draw_sources", "hash_tensors"),
    "imbalance_derm.testing": ("Finding", "check", "conformance", "rules_of"),
    "imbalance_derm.testing.rule": ("Rule",),
    "imbalance_derm.tracking.contract": ("Tracker",),
    "imbalance_derm.training.checkpoints": ("load_state", "save_state"),
    "imbalance_derm.training.context": (
        "Checkpoint",
        "NoCheckpoint",
        "State",
        "TrainingContext",
        "seed_step",
    ),
}
"""By module, the names that may be imported from it."""

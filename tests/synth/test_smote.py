"""SMOTE and its relatives: what imbalanced-learn itself makes of the same arrays."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from imblearn.over_sampling import ADASYN, SMOTE, SVMSMOTE, BorderlineSMOTE, KMeansSMOTE
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA

from imbalance_derm.errors import InputError, RunError
from imbalance_derm.registry.parameters import create
from imbalance_derm.synth.contract import CHUNK

# Name and parameters of ours, class and parameters of imbalanced-learn.
VARIANTS = {
    "smote": ("smote", {}, SMOTE, {}),
    "smote-2": ("smote", {"k_neighbors": 2}, SMOTE, {"k_neighbors": 2}),
    "borderline-1": ("borderline_smote", {"m_neighbors": 7}, BorderlineSMOTE, {"m_neighbors": 7}),
    "borderline-2": (
        "borderline_smote",
        {"kind": "borderline-2"},
        BorderlineSMOTE,
        {"kind": "borderline-2"},
    ),
    "svm": ("svm_smote", {"out_step": 0.3}, SVMSMOTE, {"out_step": 0.3}),
    "kmeans": (
        "kmeans_smote",
        {"clusters": 3, "cluster_balance_threshold": 0.1, "density_exponent": 1.0},
        KMeansSMOTE,
        {"kmeans_estimator": 3, "cluster_balance_threshold": 0.1, "density_exponent": 1.0},
    ),
    "adasyn": ("adasyn", {"n_neighbors": 4}, ADASYN, {"n_neighbors": 4}),
}


def ours(variant, **parameters):
    name, own, _, _ = VARIANTS[variant]
    return create("synthesizer", name, {**own, **parameters})


def theirs(variant, points, labels, label, count, seed):
    """What imbalanced-learn adds to one class of the full arrays."""
    _, _, sampler, parameters = VARIANTS[variant]
    strategy = {label: int(np.sum(labels == label)) + count}
    made, _ = sampler(sampling_strategy=strategy, random_state=seed, **parameters).fit_resample(
        points, labels
    )
    return made[len(points) :]


def collect(synth, data, label, count, seed, context):
    chunks = list(synth.sample(data, label, count, seed, context))
    origins = [origin for chunk in chunks for origin in chunk.provenance]
    return np.concatenate([chunk.samples for chunk in chunks]), origins


def embeddings(lesions, counts=(60, 25, 22), dim=12):
    """Classes that overlap, in an order that is not that of the classes."""
    data = lesions(counts, dim=dim)
    rng = np.random.default_rng(5)
    labels = rng.permutation(data.labels)
    samples = (rng.normal(size=(len(labels), dim)) + 0.5 * labels[:, None]).astype(np.float32)
    return lesions_like(data, samples, labels)


def images(lesions, counts=(60, 25, 22)):
    """Images of independent pixels, in an order that is not that of the classes."""
    data = lesions(counts, size=8)
    rng = np.random.default_rng(6)
    labels = rng.permutation(data.labels)
    samples = rng.normal(120 + 4 * labels[:, None, None, None], 40, data.samples.shape)
    return lesions_like(data, samples.clip(0, 255).astype(np.uint8), labels)


def lesions_like(data, samples, labels):
    return type(data)(
        samples, labels, data.sites, data.image_ids, data.lesion_ids, data.classes, ()
    )


@pytest.mark.parametrize("label", [1, 2])
@pytest.mark.parametrize("variant", VARIANTS)
def test_embedding_space_equals_imbalanced_learn(lesions, context, variant, label):
    data = embeddings(lesions)
    expected = theirs(variant, data.samples, data.labels, label, 100, 7)
    synth = ours(variant)
    samples, origins = collect(synth, data, label, 100, 7, context)
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, expected)
    assert len(origins) == len(samples) > CHUNK / 2
    assert not synth.exact or len(samples) == 100


@pytest.mark.parametrize("variant", VARIANTS)
def test_pixel_space_equals_imbalanced_learn_rounded(lesions, context, variant):
    data = images(lesions)
    flat = data.samples.reshape(len(data), -1).astype(np.float32)
    expected = theirs(variant, flat, data.labels, 1, 70, 2)
    synth = ours(variant, space="pixel")
    np.testing.assert_array_equal(synth.interpolate(data, 1, 70, 2)[0], expected)
    samples, _ = collect(synth, data, 1, 70, 2, context)
    assert samples.dtype == np.uint8
    assert samples.shape == (len(expected), 8, 8, 3)
    # SVM-SMOTE goes beyond the real points, and so beyond white and black.
    whole = np.clip(np.round(expected), 0, 255)
    np.testing.assert_array_equal(samples.reshape(len(expected), -1), whole)


@pytest.mark.parametrize("variant", VARIANTS)
def test_pca_space_equals_imbalanced_learn_on_scores_of_its_own(lesions, context, variant):
    data = images(lesions)
    flat = data.samples.reshape(len(data), -1).astype(np.float32)
    pca = PCA(6, svd_solver="randomized", random_state=context.seed).fit(flat)
    expected = theirs(variant, pca.transform(flat), data.labels, 1, 70, 2)
    synth = ours(variant, space="pca", components=6)
    synth.fit(data, context)
    made, _ = synth.interpolate(data, 1, 70, 2)
    # Scores are products of matrices, whose last bit depends on how many rows are multiplied.
    np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-3)
    samples, _ = collect(synth, data, 1, 70, 2, context)
    assert samples.dtype == np.uint8
    back = pca.inverse_transform(expected).clip(0, 255)
    assert np.abs(samples.reshape(len(back), -1) - back).max() < 0.501


def positions(points, made, parents):
    """Place of each made point on the line of its parents (0 to 1), and its distance from it."""
    start, end = points[parents[:, 0]].astype(float), points[parents[:, 1]].astype(float)
    way = end - start
    place = ((made - start) * way).sum(axis=1) / (way**2).sum(axis=1)
    return place, np.abs(made - (start + place[:, None] * way)).max(axis=1)


@pytest.mark.parametrize("space", ["embedding", "pixel"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_point_lies_on_the_line_of_its_parents(lesions, variant, space):
    data = embeddings(lesions) if space == "embedding" else images(lesions)
    points = data.samples.reshape(len(data), -1)
    made, parents = ours(variant, space=space).interpolate(data, 1, 90, 3)
    place, distance = positions(points, made, parents)
    assert len(parents) == len(made) > 0
    assert distance.max() < 1e-4 * np.ptp(points)
    assert (parents[:, 0] != parents[:, 1]).all()
    assert (data.labels[parents[:, 0]] == 1).all()
    assert place.max() < 1
    if variant == "svm":
        # Outwards by 0.3 of the way at the most, and inwards; among the pixels none is safe.
        assert -0.3 <= place.min() < place.max()
        assert (place.min() < 0) == (space == "embedding")
    else:
        assert place.min() >= 0
    if variant == "borderline-2":
        foreign = data.labels[parents[:, 1]] != 1
        assert foreign.any()
        assert place[foreign].max() < 0.5
    else:
        assert (data.labels[parents[:, 1]] == 1).all()


@pytest.mark.parametrize(("variant", "neighbors"), [("smote-2", 2), ("svm", 5), ("adasyn", 4)])
def test_the_second_parent_is_a_nearest_neighbour_of_the_first(lesions, variant, neighbors):
    data = embeddings(lesions)
    _, parents = ours(variant).interpolate(data, 2, 80, 1)
    members = np.flatnonzero(data.labels == 2)
    for first, second in parents:
        distance = np.linalg.norm(data.samples[members] - data.samples[first], axis=1)
        assert second in members[np.argsort(distance)[1 : neighbors + 1]]


def test_provenance_names_the_parents(lesions, context):
    data = embeddings(lesions)
    synth = ours("borderline-2")
    _, parents = synth.interpolate(data, 1, 70, 4)
    _, origins = collect(synth, data, 1, 70, 4, context)
    assert [o.sources for o in origins] == [tuple(data.image_ids[pair]) for pair in parents]
    assert all(type(source) is str for o in origins for source in o.sources)


def test_identical_points_are_no_obstacle(lesions):
    data = embeddings(lesions)
    samples = data.samples.copy()
    members = np.flatnonzero(data.labels == 1)
    samples[members[3]] = samples[members[0]]
    made, parents = ours("smote").interpolate(data.with_samples(samples), 1, 90, 0)
    np.testing.assert_array_equal(made, theirs("smote", samples, data.labels, 1, 90, 0))
    start = samples[parents[:, 0]]
    np.testing.assert_array_less(
        np.abs(made - start), np.abs(samples[parents[:, 1]] - start) + 1e-5
    )


@pytest.mark.parametrize(
    ("variant", "parameter", "usual"),
    [
        ("smote", "k_neighbors", 5),
        ("borderline-1", "k_neighbors", 5),
        ("svm", "k_neighbors", 5),
        ("kmeans", "k_neighbors", 2),
        ("adasyn", "n_neighbors", 5),
    ],
)
def test_a_class_too_small_is_named_with_the_way_out(lesions, variant, parameter, usual):
    data = embeddings(lesions, (30, usual))
    with pytest.raises(
        InputError, match=rf"'class1' has {usual} .* needs {usual + 1}; .*{parameter}=auto"
    ):
        ours(variant, **{parameter: usual}).interpolate(data, 1, 3, 0)


def test_auto_takes_as_many_neighbours_as_there_are(lesions, context):
    data = embeddings(lesions, (20, 5))
    samples, _ = collect(ours("smote", k_neighbors="auto"), data, 1, 15, 0, context)
    sampler = SMOTE(sampling_strategy={1: 20}, k_neighbors=4, random_state=0)
    expected = sampler.fit_resample(data.samples, data.labels)[0][25:]
    np.testing.assert_array_equal(samples, expected)


def test_a_small_class_that_is_not_asked_for_is_no_error(lesions, context):
    data = lesions((20, 9, 1), dim=4)
    ours("smote").fit(data, context)
    assert len(collect(ours("smote"), data, 1, 11, 0, context)[0]) == 11


def apart(lesions):
    """Two classes far from each other."""
    data = embeddings(lesions, (40, 20))
    return data.with_samples(data.samples + 100 * data.labels[:, None].astype(np.float32))


@pytest.mark.parametrize(
    ("variant", "parameters", "count", "said"),
    [
        ("borderline-1", {}, 9, r"'No samples are made'; .*synth\.m_neighbors.*--synth smote"),
        ("adasyn", {}, 9, r"'Not any .*'; .*synth\.n_neighbors.*--synth smote"),
        ("svm", {"m_neighbors": 60}, 9, r"'Expected n_neighbors <= .*'; .*synth\.m_neighbors"),
        ("kmeans", {"clusters": 61}, 9, r"'n_samples=60 should be >= .*'; set synth\.clusters"),
    ],
)
def test_where_imbalanced_learn_refuses_the_class_and_the_remedy_are_named(
    lesions, variant, parameters, count, said
):
    with pytest.raises(InputError, match=r"class 'class1' \(20 training images\): .* says " + said):
        ours(variant, **parameters).interpolate(apart(lesions), 1, count, 0)


def test_adasyn_that_rounds_everything_away_is_refused(lesions):
    with pytest.raises(InputError, match=r"'No samples will be generated .*'; .*synth\.quota"):
        ours("adasyn").interpolate(embeddings(lesions), 1, 1, 0)


def test_support_vectors_that_are_all_noise_are_refused(lesions):
    # Each member of the class sits within a crowd of the other class.
    rng = np.random.default_rng(0)
    homes = 50 * np.eye(4, dtype=np.float32)
    crowd = np.repeat(homes, 20, axis=0) + rng.normal(size=(80, 4)).astype(np.float32)
    data = lesions((80, 4), dim=4).with_samples(np.concatenate([crowd, homes]))
    with pytest.raises(InputError, match=r"'class1' .* noise.*; .*--synth smote"):
        ours("svm", k_neighbors=2).interpolate(data, 1, 9, 0)


def test_kmeans_without_a_cluster_tells_what_the_clusters_hold(lesions):
    data = embeddings(lesions)
    clusters = MiniBatchKMeans(3, random_state=5).fit_predict(data.samples)
    share = max((data.labels[clusters == place] == 1).mean() for place in range(3))
    assert 0.1 < share < 0.9
    with pytest.raises(
        InputError, match=rf"share of {share:.3f}; set synth\.cluster_balance_threshold below"
    ):
        ours("kmeans", cluster_balance_threshold=0.9).interpolate(data, 1, 30, 5)


@pytest.mark.parametrize("variant", ["smote", "borderline-1", "svm", "kmeans", "adasyn"])
@pytest.mark.parametrize(("counts", "count"), [((70, 40), 150), ((120, 60), 30)])
def test_the_memory_bound_is_what_is_really_taken(lesions, variant, counts, count):
    rng = np.random.default_rng(0)
    data = lesions(counts, size=48)
    noise = rng.integers(0, 256, data.samples.shape, dtype=np.uint8)
    data = data.with_samples(noise)
    tracemalloc.start()
    ours(variant, space="pixel").interpolate(data, 1, count, 0)
    taken = tracemalloc.get_traced_memory()[1] / 1e9
    tracemalloc.stop()
    with pytest.raises(InputError, match=rf"'class1' needs .* for {count} .* 6912 values"):
        ours(variant, space="pixel", max_memory_gb=taken).interpolate(data, 1, count, 0)
    ours(variant, space="pixel", max_memory_gb=2 * taken).interpolate(data, 1, count, 0)


def test_a_value_that_is_no_number_is_told(lesions):
    data = embeddings(lesions)
    broken = data.samples.copy()
    broken[data.labels == 1] = np.nan
    with pytest.raises(InputError, match=r"'class1' .* NaN.*finite"):
        ours("smote").interpolate(data.with_samples(broken), 1, 5, 0)


def test_a_version_whose_picks_cannot_be_seen_is_no_source_of_wrong_parents(lesions, monkeypatch):
    plain = SMOTE._make_samples

    def copying(self, X, y_dtype, y_type, nn_data, nn_num, *rest, **more):
        return plain(self, X, y_dtype, y_type, nn_data, np.array(nn_num), *rest, **more)

    monkeypatch.setattr(SMOTE, "_make_samples", copying)
    with pytest.raises(RunError, match="SMOTE made 5 points, but the parents of 0 are known"):
        ours("smote").interpolate(embeddings(lesions), 1, 5, 0)

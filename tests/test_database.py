"""The schema, the clock and the spatial index, on both databases."""

from __future__ import annotations

import time

import pytest
import shapely
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text, update

from app import jobs
from app.database import (
    Base,
    BlockRow,
    ImageryFileRow,
    ImagerySourceRow,
    JobBlockRow,
    RasterRow,
    Sessions,
    connect,
    intersects,
    is_reachable,
    now_s,
)
from app.database.migrate import _config, current, head, migrate, require_head
from app.definitions import Augmentation
from app.errors import JobUnknown, Misconfigured, Unavailable
from migrations.spatial import include_object
from tests import samples

AWAY = "postgresql+psycopg://nobody@127.0.0.1:1/none"


def add_squares(sessions: Sessions, count: int) -> None:
    """Unit squares from (0, 0) to (count, 0), with a gap of 0.1 between them; href = number."""
    with sessions.write() as session:
        session.add(ImagerySourceRow(id="a", document={}))
        session.flush()
        session.add_all(
            ImageryFileRow(
                source_id="a", role="rgb", href=str(i), left=0, bottom=0, right=1, top=1,
                footprint=shapely.box(i, 0, i + 0.9, 1),
            )
            for i in range(count)
        )  # fmt: skip


def meeting(sessions: Sessions, shape: shapely.Geometry) -> list[str]:
    with sessions.read() as session:
        found = session.scalars(select(ImageryFileRow.href).where(intersects(ImageryFileRow.footprint, shape)))
        return sorted(found, key=int)


def test_the_migrations_make_what_the_rows_declare(sessions: Sessions) -> None:
    with sessions.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": include_object})

        assert compare_metadata(context, Base.metadata) == []


def test_migrating_again_changes_nothing(sessions: Sessions) -> None:
    migrate(sessions.engine)

    assert current(sessions.engine) == head()
    require_head(sessions.engine)


def test_an_old_schema_is_refused_with_what_to_do(sessions: Sessions) -> None:
    with sessions.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))

    with pytest.raises(Misconfigured, match="run `cosia migrate`"):
        require_head(sessions.engine)


def test_the_third_schema_names_the_rasters_there_are_and_can_be_left_again(sessions: Sessions) -> None:
    with sessions.engine.begin() as connection:
        command.downgrade(_config(connection), "0002")
        connection.execute(text(
            "INSERT INTO layer (id, title, description, nomenclature, attribution, demonstration, version)"
            " VALUES ('a', '', '', 'cosia', '', false, 'v')"
        ))  # fmt: skip
        shape = "x'0101000000000000000000f03f000000000000f03f'"
        if connection.dialect.name == "postgresql":
            shape = "ST_SetSRID(ST_MakePoint(1, 1), 4326)"
        columns = 'layer_id, href, sha256, bands, epsg, "left", top, resolution_m, width, height, footprint'
        for _ in range(2):
            connection.execute(
                text(f"INSERT INTO raster ({columns}) VALUES ('a', 'h', 's', 1, 2154, 0, 0, 1, 1, 1, {shape})")
            )
        command.upgrade(_config(connection), "head")

    with sessions.read() as session:
        assert session.scalars(select(RasterRow.name).order_by(RasterRow.id)).all() == ["raster-1", "raster-2"]
        assert (
            len(session.scalars(select(RasterRow).where(intersects(RasterRow.footprint, shapely.Point(1, 1)))).all())
            == 2
        )


def test_the_fourth_schema_keeps_jobs_with_all_that_belongs_to_them(sessions: Sessions) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.broker.ring", lambda *_: True)
        predicted = jobs.submit(sessions, samples.request(), samples.LIMITS)
        counted = jobs.submit_count(sessions, samples.count(), samples.LIMITS)

    with sessions.engine.begin() as connection:
        command.downgrade(_config(connection), "0003")
        # The schema before knows predictions only.
        assert connection.execute(text("SELECT id, source_id FROM job")).all() == [(predicted.id, "ortho-2021")]
        command.upgrade(_config(connection), "head")

    with sessions.read() as session:
        job = jobs.get(session, predicted.id)
        assert (job.process, job.source_id, job.model_id, job.fence) == ("predict-land-cover", "ortho-2021", "tiny", 0)
        assert jobs.progress(session, job.id).total == 1
        assert [event.kind for event in jobs.events_since(session, job.id, 0)] == ["status"]
        with pytest.raises(JobUnknown):
            jobs.get(session, counted.id)


def test_the_fifth_schema_counts_what_jobs_had_done_and_can_be_left_again(sessions: Sessions) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.broker.ring", lambda *_: True)
        job = jobs.submit(sessions, samples.request(columns=3), samples.LIMITS)
    with sessions.engine.begin() as connection:
        command.downgrade(_config(connection), "0004")
        connection.execute(text("UPDATE block SET status = 'done', finished_at = 5 WHERE grid_column = 1760"))
        connection.execute(text("UPDATE block SET status = 'failed' WHERE grid_column = 1761"))
        connection.execute(text("UPDATE event SET id = 41"))
        command.upgrade(_config(connection), "head")

    with sessions.read() as session:
        kept = jobs.get(session, job.id)
        assert (kept.blocks_done, kept.blocks_failed, kept.last_event) == (1, 1, 41)
        assert len(kept.permalink) == 32
        assert [event.id for event in jobs.events_since(session, job.id, 0)] == [41]
        ended = session.scalars(select(JobBlockRow.ended).order_by(JobBlockRow.position)).all()
        assert sorted(ended) == [False, True, True]


def test_the_sixth_schema_says_what_jobs_are_predicted_by_and_is_left_without_those_it_alone_knows(
    sessions: Sessions,
) -> None:
    turned = samples.ensemble(augmentation=Augmentation.D4)
    together = samples.ensemble(samples.card(), samples.card(id="other"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.broker.ring", lambda *_: True)
        plain, *_ = (
            jobs.submit(sessions, samples.request(ensemble=ensemble), samples.LIMITS)
            for ensemble in (samples.ensemble(), turned, together)
        )
    with sessions.engine.begin() as connection:
        command.downgrade(_config(connection), "0005")
        # Predicted by the schema before, their blocks would be of the first model alone, under the same keys.
        assert connection.execute(text("SELECT id FROM job")).all() == [(plain.id,)]
        for table in ("block", "job_block", "event"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 1
        command.upgrade(_config(connection), "head")

    with sessions.read() as session:
        assert jobs.get(session, plain.id).predicted_by == "tiny"
        block = session.scalars(select(BlockRow)).one()
        assert (block.further_models, block.augmentation) == (None, "none")


def test_the_index_finds_what_meets_a_shape_and_nothing_else(sessions: Sessions) -> None:
    add_squares(sessions, 10)

    assert meeting(sessions, shapely.box(2.5, 0.5, 4.5, 0.6)) == ["2", "3", "4"]
    assert meeting(sessions, shapely.Point(3.95, 0.5)) == []
    assert meeting(sessions, shapely.Polygon([(5.91, 0.2), (5.99, 0.2), (5.95, 0.8)])) == []


def test_the_index_follows_changes_and_removals(sessions: Sessions) -> None:
    add_squares(sessions, 3)
    with sessions.write() as session:
        session.execute(
            update(ImageryFileRow).where(ImageryFileRow.href == "0").values(footprint=shapely.box(50, 0, 51, 1))
        )
        session.delete(session.scalars(select(ImageryFileRow).where(ImageryFileRow.href == "1")).one())

    assert meeting(sessions, shapely.box(-1, -1, 60, 2)) == ["0", "2"]
    assert meeting(sessions, shapely.Point(0.5, 0.5)) == []
    assert meeting(sessions, shapely.Point(50.5, 0.5)) == ["0"]


def test_the_predicate_is_answered_from_the_index(sessions: Sessions) -> None:
    add_squares(sessions, 500)
    statement = select(ImageryFileRow.href).where(intersects(ImageryFileRow.footprint, shapely.Point(5.5, 0.5)))

    with sessions.read() as session:
        if sessions.engine.dialect.name == "sqlite":
            compiled = statement.compile(sessions.engine)
            values = (compiled.params[name] for name in compiled.positiontup or ())
            bound = tuple(shapely.to_wkb(v) if isinstance(v, shapely.Geometry) else v for v in values)
            plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", bound).all()
            assert plan[0][3] == "SEARCH imagery_file USING INTEGER PRIMARY KEY (rowid=?)"
            assert "imagery_file_footprint_rtree VIRTUAL TABLE INDEX" in plan[2][3]
        else:
            session.execute(text("SET enable_seqscan = off"))
            point = "ST_GeomFromText('POINT(5.5 0.5)', 4326)"
            question = f"EXPLAIN SELECT href FROM imagery_file WHERE ST_Intersects(footprint, {point})"
            assert "ix_imagery_file_footprint" in str(session.execute(text(question)).all())


def test_the_clock_is_the_time_of_day(sessions: Sessions) -> None:
    with sessions.read() as session:
        assert session.scalar(select(now_s())) == pytest.approx(time.time(), abs=5)


def test_a_transaction_that_fails_leaves_nothing(sessions: Sessions) -> None:
    def fail() -> None:
        with sessions.write() as session:
            session.add(ImagerySourceRow(id="half", document={}))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    with sessions.read() as session:
        assert session.get(ImagerySourceRow, "half") is None


def test_a_database_that_is_away_is_unavailable_and_not_a_traceback() -> None:
    engine = connect(AWAY)

    assert not is_reachable(engine)
    with pytest.raises(Unavailable):
        require_head(engine)
    with pytest.raises(Misconfigured, match="cannot be migrated"):
        migrate(engine)

from __future__ import annotations


def test_session_runs_in_utc_with_ansi_mode(spark) -> None:  # type: ignore[no-untyped-def]
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert spark.sql("SELECT try_to_date('2019-02-30', 'yyyy-MM-dd')").collect()[0][0] is None

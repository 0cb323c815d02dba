# SPDX-License-Identifier: GPL-2.0-only
"""report: a recording as numbers, and as a page in a real browser."""

import collections
import math
import json
import re
import statistics

import jsonschema
import pytest
from browser import browser
from conftest import REPO
from recorded import damaged, iommuscope, resident, story
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

MB = 1 << 20


@pytest.fixture(scope="module")
def recordings(built, tmp_path_factory):
    """A directory with broken.rec, fine.rec and empty.rec"""
    directory = tmp_path_factory.mktemp("report")
    story(directory / "broken.rec", 3000, "break", "lose")
    story(directory / "fine.rec", 3000)
    story(directory / "empty.rec", 0)
    return directory


@pytest.fixture(scope="module")
def schema(built):
    return jsonschema.Draft202012Validator(json.loads(iommuscope("schema").stdout))


def numbers(recording):
    done = iommuscope("report", recording, "--format", "json")
    report, = done.objects
    return report, done


@pytest.fixture(scope="module")
def report(recordings):
    return numbers(recordings / "broken.rec")[0]


@pytest.fixture(scope="module")
def records(recordings):
    done = iommuscope("replay", recordings / "broken.rec", "trace", "-f", "json")
    return [one for one in done.objects if one["type"] == "record"]


# ---- the numbers ----

@pytest.mark.parametrize("name, status", [("broken", 1), ("fine", 0), ("empty", 3)])
def test_numbers_fit_the_schema(recordings, schema, name, status):
    report, done = numbers(recordings / f"{name}.rec")
    schema.validate(report)
    assert done.returncode == status == iommuscope("replay", recordings / f"{name}.rec").returncode
    assert done.stderr == ""


def test_schema_refuses_what_is_not_listed(report, schema):
    with pytest.raises(jsonschema.ValidationError):
        schema.validate({**report, "surprise": 1})


def calls_of(records):
    """(cmd, ns, rc) of each ioctl."""
    entered = {}
    for one in records:
        if one["kind"] == "ioctl" and one["action"] == "enter":
            entered[one["tid"]] = one["ktime_ns"]
        elif one["kind"] == "ioctl":
            yield one["cmd"].upper(), one["ktime_ns"] - entered[one["tid"]], one["rc"]


def test_ioctls_are_counted_and_measured(report, records):
    by_cmd = collections.defaultdict(list)
    for cmd, ns, rc in calls_of(records):
        by_cmd[cmd].append((ns, rc))
    assert {one["name"]: one["calls"] for one in report["ioctls"]} == {cmd: len(calls) for cmd, calls in by_cmd.items()}
    for one in report["ioctls"]:
        times = sorted(ns for ns, _ in by_cmd[one["name"]])
        assert (one["max_ns"], one["total_ns"]) == (times[-1], sum(times))
        assert one["p50_ns"] == pytest.approx(statistics.median_low(times), rel=0.033)
        assert one["p99_ns"] == pytest.approx(times[math.ceil(len(times) * 0.99) - 1], rel=0.033)
        assert one["errors"] == sum(rc < 0 for _, rc in by_cmd[one["name"]])
    unmap, = [one for one in report["ioctls"] if one["name"] == "IOAS_UNMAP"]
    assert unmap["errnos"] == [{"rc": -22, "name": "EINVAL", "count": 1}]
    mapped = sum(one["length"] for one in records if one["kind"] == "map" and one["action"] == "user" and not one["rc"])
    assert next(one["bytes"] for one in report["ioctls"] if one["name"] == "IOAS_MAP") == mapped


def test_heat_map_has_each_ioctl_once(report, records):
    cells = report["latency"]["cells"]
    assert sum(cells[2::3]) == len(list(calls_of(records)))
    slowest = max(ns for _, ns, _ in calls_of(records))
    row, first = max(cells[1::3]), report["latency"]["first_row_ns"]
    assert first * 2 ** (row / 2) <= slowest * 1.001 and slowest < first * 2 ** ((row + 1) / 2) * 1.001


def test_flame_graph_has_all_the_time(report, records):
    flame = sum(phase["ns"] for one in report["flame"] for ioctl in one["ioctls"] for phase in ioctl["phases"])
    assert flame == sum(ns for _, ns, _ in calls_of(records))
    pinned = sum(phase["bytes"] for one in report["flame"] for ioctl in one["ioctls"] for phase in ioctl["phases"]
                 if phase["name"] == "pin")
    assert pinned == sum(one["got"] * 4096 for one in records if one["kind"] == "pin")
    assert {one["comm"] for one in report["flame"]} == {"qemu-system-x86", "dpdk-testpmd", "</script>\u00ff"}


def test_memory_over_time(report, records):
    """The highest that held in each bucket, whatever it began with."""
    width, start = report["times"]["bucket_ns"], records[0]["ktime_ns"]
    want, held = [0] * len(report["memory"]["pinned"]), 0
    last = 0
    for one in records:
        at = (one["ktime_ns"] - start) // width
        for bucket in range(last + 1, at + 1):
            want[bucket] = held
        last = at
        if one["kind"] == "pin":
            held += max(one["got"], 0)
        elif one["kind"] == "unpin":
            held -= sum(run[1] for run in one["runs"])
        want[at] = max(want[at], held)
    # a bucket in which something was set and that began higher shows that; see gauge_set()
    got = report["memory"]["pinned"]
    assert max(got) == max(want) and len(got) == len(want)
    assert got == want
    assert sum(report["times"]["lost"]) == report["lost"] == 17
    assert [one["tgid"] for one in report["memory"]["processes"]] == [1000, 1010, 1020]
    limits = {value for one in report["memory"]["processes"] for value in one["limit"]}
    assert limits == {-1, 2048}


def test_areas_and_ranges(report, records):
    inserted = [one for one in records if one["kind"] == "area" and one["action"] == "insert"]
    assert len(report["areas"]) == len(inserted) == sum(one["areas"] for one in report["spaces"])
    start = records[0]["ktime_ns"]
    assert {(one["from_ns"] + start, int(one["start"], 16), int(one["last"], 16)) for one in report["areas"]} == \
        {(one["ktime_ns"], one["iova"], one["last"]) for one in inserted}
    assert collections.Counter(one["end"] for one in report["areas"])["still there"] == 3
    assert {one["kind"] for one in report["ranges"]} == {"reserved", "aperture"}
    assert all(one["from_ns"] <= one["to_ns"] for one in report["areas"] + report["ranges"])


def test_runs_by_length(report, records):
    for name, kind, unit in (("pinned", "pin_runs", 1), ("mapped", "dma_map", 4096)):
        want = collections.Counter()
        for one in records:
            for _, length in one["runs"] if one["kind"] == kind else ():
                want[(length // unit).bit_length() - 1] += 1
        got = report["runs"][name]["runs"]
        assert {i: n for i, n in enumerate(got) if n} == dict(want)


def test_violations_are_those_of_replay(report, recordings):
    said = iommuscope("replay", recordings / "broken.rec", "-f", "json", "--explain").objects
    want = [one for one in said if one["type"] == "violation"]
    assert len(want) == len(report["violations"]) > 1
    for one, other in zip(report["violations"], want):
        assert [one[key] for key in ("rule", "text", "story", "map")] == \
            [other[key] for key in ("rule", "text", "story", "map")]
        assert len(one["history"]) == len(other["history"])
    about = [one for one in report["violations"] if one["rule"] == "UNPIN-AFTER-UNMAP"][0]
    assert int(about["start"], 16) <= 0x1002000 <= int(about["last"], 16)
    assert report["spaces"][about["space"]]["id"] == 1


# ---- a million records ----

@pytest.fixture(scope="module")
def million(built, tmp_path_factory):
    return story(tmp_path_factory.mktemp("million") / "million.rec", 1_000_000, "break")


def test_a_million_records_are_a_small_page(million, tmp_path, schema):
    done = iommuscope("report", million, "-o", tmp_path / "page.html")
    assert done.returncode == 1, done.stderr
    assert (tmp_path / "page.html").stat().st_size < 5 * MB
    report, _ = numbers(million)
    schema.validate(report)
    assert report["records"] > 1_000_000
    assert report["more_spaces"] > 1000 and len(report["spaces"]) == 48
    born = sorted(one["from_ns"] for one in report["areas"])
    assert born[len(born) // 2] == pytest.approx(report["origin"]["duration_ns"] / 2, rel=0.3), "the map shows one end only"


def test_memory_does_not_grow_with_the_records(million, tmp_path):
    small = story(tmp_path / "small.rec", 100_000)
    peaks = [resident("report", recording, "-o", "/dev/null") for recording in (small, million)]
    assert peaks[1] < peaks[0] + 8 * MB, peaks


# ---- bad input and output ----

def test_recording_that_is_cut_off(built, tmp_path):
    cut = damaged(story(tmp_path / "a.rec", 50_000), tmp_path / "cut.rec")
    report, done = numbers(cut)
    assert done.returncode == iommuscope("replay", cut).returncode == 3
    assert re.search(r"incomplete recording: ends after \d+ records", report["summary"]["why"]) and report["areas"]


def test_recording_that_is_damaged(built, tmp_path):
    data = bytearray(story(tmp_path / "a.rec", 50_000).read_bytes())
    data[-20_000] ^= 0xff
    (tmp_path / "bad.rec").write_bytes(data)
    done = iommuscope("report", tmp_path / "bad.rec", "-o", tmp_path / "page.html")
    assert done.returncode == iommuscope("replay", tmp_path / "bad.rec").returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "damaged recording: ends after" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize("words, said", [
    ([], "which recording?"),
    (["fine.rec"], "where to? name the page with -o FILE"),
    (["fine.rec", "-o", "/no/such/directory/x"], "cannot write to /no/such/directory/x: No such file or directory"),
    (["fine.rec", "-o", "/dev/full"], "cannot write to /dev/full: No space left on device"),
    (["no.rec", "-o", "page.html"], "no.rec"),
    (["fine.rec", "more", "-o", "page.html"], "unexpected 'more'"),
])
def test_bad_requests_are_one_line(recordings, words, said):
    done = iommuscope("report", *words, cwd=recordings)
    assert done.returncode == 2 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and said in done.stderr


# ---- the page ----

@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("chromium")) as opened:
        opened.size(1280, 900)
        yield opened


@pytest.fixture(scope="module")
def pages(recordings):
    for name in ("broken", "fine", "empty"):
        iommuscope("report", recordings / f"{name}.rec", "-o", recordings / f"{name}.html")
    return recordings


@pytest.fixture
def page(chromium, pages):
    """The page with violations, just opened."""
    chromium.prefer("light")
    chromium.open(pages / "broken.html")
    return chromium


def find(opened, selector):
    return opened.driver.find_element(By.CSS_SELECTOR, selector)


def press(opened, *keys):
    for key in keys:
        opened.driver.switch_to.active_element.send_keys(key)


def readout(opened, section):
    return find(opened, f"#{section} .readout").text


# Whether something is drawn in a canvas: how many colours it has.
COLOURS = """
const canvas = document.querySelector(arguments[0]);
const pixels = new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer);
return new Set(pixels).size;
"""
FIGURES = ("#iova-figure canvas", "#memory-figure canvas", "#heat-figure canvas", "#flame-figure canvas", "#runs-figure canvas")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name, verdict", [("broken", "FAIL"), ("fine", "PASS"), ("empty", "INCONCLUSIVE")])
def test_page_renders_alone(chromium, pages, name, verdict, theme):
    chromium.prefer(theme)
    chromium.open(pages / f"{name}.html")
    assert chromium.run("return document.documentElement.dataset.theme") == theme
    assert find(chromium, "#verdict").text == verdict
    for figure in FIGURES if name != "empty" else ():
        assert chromium.run(COLOURS, figure) > 3, f"{figure} is empty"
    assert chromium.complaints() == []
    assert chromium.requests() == [(pages / f"{name}.html").as_uri()]


def test_a_million_records_render(chromium, million, tmp_path):
    iommuscope("report", million, "-o", tmp_path / "page.html")
    chromium.open(tmp_path / "page.html")
    assert all(chromium.run(COLOURS, figure) > 3 for figure in FIGURES)
    assert chromium.complaints() == []


def test_nothing_can_be_loaded(page):
    """Whatever gets into the page: the policy in it forbids requests."""
    blocked = page.driver.execute_async_script("""
        const done = arguments[0];
        document.addEventListener('securitypolicyviolation', event => done(event.violatedDirective), { once: true });
        new Image().src = 'https://example.invalid/x.png';
    """)
    assert blocked == "img-src"


def test_what_processes_call_themselves_is_text(page):
    assert "</script>" in find(page, "#flame-figure").text + page.run("return JSON.stringify(data.flame)")
    options = [one.text for one in find(page, "#iova-select").find_elements(By.TAG_NAME, "option")]
    assert any("</script>" in one for one in options)
    assert page.run("return document.scripts.length") == 3


def test_click_on_a_violation_shows_its_story(page, report):
    assert not page.driver.find_elements(By.CSS_SELECTOR, ".violation pre")
    for i, want in enumerate(report["violations"]):
        head = find(page, f"#violation-{i}-head")
        assert want["rule"] in head.text and want["text"] in head.text
        head.click()
        assert head.get_attribute("aria-expanded") == "true"
        body = find(page, f"#violation-{i}")
        assert body.is_displayed()
        for kind in ("story", "map", "history"):
            shown = body.find_elements(By.CSS_SELECTOR, f"pre.{kind}")
            assert [one.text.split() for one in shown] == ([" ".join(want[kind]).split()] if want[kind] else [])
        head.click()
        assert not body.is_displayed() and head.get_attribute("aria-expanded") == "false"


def test_violation_in_the_map_opens_its_story(page, report):
    spot = page.run("return map.items().findIndex(one => one.activate)")
    x, y = page.run("const at = map.items()[arguments[0]], r = map.canvas.getBoundingClientRect();"
                    "map.canvas.scrollIntoView({block: 'center'});"
                    "const now = map.canvas.getBoundingClientRect(); return [now.left + at.x + at.w / 2, now.top + at.y + at.h / 2]", spot)
    page.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": x, "y": y})
    assert "click or Enter for its story" in find(page, "#tip").text
    for kind in ("mousePressed", "mouseReleased"):
        page.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1})
    opened = page.driver.switch_to.active_element
    assert opened.get_attribute("aria-expanded") == "true"
    assert any(one["rule"] in opened.text for one in report["violations"] if one["about_iova"])


def test_moment_of_a_violation_is_shown_in_the_charts(page, report):
    i = next(i for i, one in enumerate(report["violations"]) if one["space"] >= 0)
    find(page, f"#violation-{i}-head").click()
    find(page, f"#violation-{i} p button").click()
    start, end = page.run("return [view.from, view.to]")
    assert start <= report["violations"][i]["at_ns"] <= end and end - start < report["origin"]["duration_ns"] / 10
    assert page.run("return document.getElementById('iova-select').value") == str(report["violations"][i]["space"])


def test_everything_can_be_reached_by_keyboard(page):
    reached = []
    for _ in range(60):
        press(page, Keys.TAB)
        element = page.driver.switch_to.active_element
        if element.tag_name == "body":
            break
        reached.append(page.run("const e = document.activeElement; return e.id || e.getAttribute('aria-label') || e.textContent"))
    text = " | ".join(reached)
    for wanted in ("theme", "violation-0-head", "Zoom in", "iova-select", "IOVA space over time", "memory-select",
                   "Pinned and charged memory", "Latency of ioctls", "ioctls", "Flame graph", "Share of pages"):
        assert wanted in text, f"{wanted} is not reached by Tab: {text}"


def test_keys_in_the_map(page):
    canvas = find(page, "#iova-figure canvas")
    page.run("arguments[0].focus()", canvas)
    press(page, Keys.ARROW_RIGHT)
    first = readout(page, "iova")
    assert re.search(r"0x[0-9a-f]+ – 0x[0-9a-f]+", first)
    press(page, Keys.ARROW_RIGHT)
    assert readout(page, "iova") != first
    press(page, Keys.ARROW_LEFT)
    assert readout(page, "iova") == first
    press(page, Keys.ESCAPE)
    assert readout(page, "iova") == ""
    for _ in range(400):
        press(page, Keys.ARROW_RIGHT)
        if "Enter for its story" in readout(page, "iova"):
            break
    press(page, Keys.ENTER)
    assert page.driver.switch_to.active_element.get_attribute("aria-expanded") == "true"


def test_keys_zoom_all_charts(page):
    page.run("arguments[0].focus()", find(page, "#heat-figure canvas"))
    whole = page.run("return [view.from, view.to]")
    press(page, "+", "+")
    start, end = page.run("return [view.from, view.to]")
    assert end - start == pytest.approx((whole[1] - whole[0]) / 4)
    press(page, "]")
    assert page.run("return view.from") > start
    press(page, "0")
    assert page.run("return [view.from, view.to]") == whole
    find(page, "[data-range=in]").click()
    assert page.run("return view.to - view.from") == pytest.approx((whole[1] - whole[0]) / 2)


def test_keys_in_the_other_charts(page):
    page.run("arguments[0].focus()", find(page, "#heat-figure canvas"))
    press(page, Keys.ARROW_RIGHT)
    assert re.match(r"\d+ ioctls? took ", readout(page, "latency"))
    page.run("arguments[0].focus()", find(page, "#flame-figure canvas"))
    press(page, Keys.ARROW_DOWN)
    assert readout(page, "time").startswith("all: ")
    press(page, Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert len(readout(page, "time").split(":")[0].split(" › ")) == 3
    press(page, Keys.ARROW_UP, Keys.ENTER)
    assert " › IOAS_" in readout(page, "time")
    for chart, text in (("memory", "pinned"), ("runs", "as pinned")):
        page.run("arguments[0].focus()", find(page, f"#{chart}-figure [tabindex]"))
        press(page, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
        shown = find(page, f"#{chart}-figure .u-legend").text
        assert re.search(rf"{text}:?\s*[\d.]+ ", shown), shown


def test_drag_zooms(page):
    page.run("document.querySelector('#iova-figure canvas').scrollIntoView({block: 'center'})")
    left, top, width = page.run("const r = document.querySelector('#iova-figure canvas').getBoundingClientRect();"
                                "return [r.left, r.top, r.width]")
    for kind, x in (("mousePressed", 0.4), ("mouseMoved", 0.5), ("mouseMoved", 0.6), ("mouseReleased", 0.6)):
        page.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, "x": left + width * x, "y": top + 60, "button": "left",
                                                                 "buttons": 1, "clickCount": 1})
    start, end = page.run("return [view.from / whole.to, view.to / whole.to]")
    assert 0.2 < start < 0.4 and 0.5 < end < 0.65


def test_ioctls_can_be_sorted(page, report):
    def column(i):
        return [one.text for one in page.driver.find_elements(By.CSS_SELECTOR, f"#ioctls tbody td:nth-child({i})")]
    assert column(1) == [one["name"] for one in sorted(report["ioctls"], key=lambda one: -one["total_ns"])]
    head = find(page, "#ioctls th:nth-child(1)")
    head.find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    assert column(1) == sorted(one["name"] for one in report["ioctls"])
    assert head.get_attribute("aria-sort") == "ascending"


def test_choices(page, report):
    page.run("const s = document.getElementById('memory-select'); s.value = 1; s.dispatchEvent(new Event('change'))")
    assert "RLIMIT_MEMLOCK" in find(page, "#memory-figure .u-legend").text
    find(page, "#flame-select option[value=bytes]").click()
    page.run("arguments[0].focus()", find(page, "#flame-figure canvas"))
    press(page, Keys.ARROW_DOWN)
    assert re.match(r"all: [\d.]+ [MG]iB", readout(page, "time"))
    find(page, "#iova-select option[value='0']").click()
    shown = page.run("return new Set(map.items().filter(one => one.of.area).map(one => one.of.area)).size")
    assert 0 < shown <= report["spaces"][0]["areas"]


def test_theme_can_be_switched(page):
    assert page.run("return document.documentElement.dataset.theme") == "light"
    button = find(page, "#theme")
    before = page.run("return getComputedStyle(document.body).backgroundColor")
    button.click()
    assert page.run("return document.documentElement.dataset.theme") == "dark" and button.text == "Light"
    assert page.run("return getComputedStyle(document.body).backgroundColor") != before
    page.prefer("light")
    assert page.run("return document.documentElement.dataset.theme") == "dark", "what was chosen stays"


# The contrast of two colours as WCAG defines it.
CONTRAST = """
const light = name => {
  const [r, g, b] = [1, 3, 5].map(i => parseInt(colour(name).slice(i, i + 2), 16) / 255)
    .map(c => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const [x, y] = [light(arguments[0]), light(arguments[1])];
return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read(page, theme):
    page.prefer(theme)
    pairs = [("ink", "card"), ("muted", "card"), ("ink", "soft"), ("good", "good-soft"), ("bad", "bad-soft"), ("unsure", "unsure-soft"),
             ("bad", "card"), ("unsure", "card")]
    low = {pair: page.run(CONTRAST, *pair) for pair in pairs}
    assert all(value >= 4.5 for value in low.values()), low


def test_everything_has_a_name(page):
    """For who does not see the page: buttons, choices and figures say what they are."""
    nameless = page.run("""
        const named = e => e.getAttribute('aria-label') || e.textContent.trim() || (e.labels && e.labels.length);
        return [...document.querySelectorAll('button, select, a, [tabindex="0"]')].filter(e => !named(e)).map(e => e.outerHTML);
    """)
    assert nameless == []
    levels = page.run("return [...document.querySelectorAll('h1, h2, h3, h4')].map(e => Number(e.tagName[1]))")
    assert levels[0] == 1 and all(b <= a + 1 for a, b in zip(levels, levels[1:]))
    assert page.run("return document.documentElement.lang && document.title.length > 0")


def test_narrow_window(chromium, pages):
    chromium.size(400, 800)
    chromium.open(pages / "broken.html")
    assert chromium.run("return document.documentElement.scrollWidth") <= 400
    assert chromium.complaints() == []
    chromium.size(1280, 900)


def test_nothing_to_show(chromium, pages):
    chromium.open(pages / "empty.html")
    texts = [one.text for one in chromium.driver.find_elements(By.CSS_SELECTOR, ".empty")]
    assert len(texts) == 7 and all(texts)


def test_picture_of_the_docs_is_there_and_small():
    assert 20_000 < (REPO / "docs/report.png").stat().st_size < 300 << 10

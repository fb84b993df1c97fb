"""The page in a real browser: what a user does, sees and gets."""

import json
import threading
import time
import urllib.error
import urllib.request
import zipfile

import cv2
import nibabel
import numpy as np
import pytest

from medzoo.app.sessions import Session
from medzoo.data.synthetic import make_scan
from tests.app.browser import CHROMIUM, DRIVER, browser

pytest.importorskip("gradio", reason="pip install '.[app]'")
pytest.importorskip("selenium")
if not (CHROMIUM and DRIVER):
    pytest.skip("Chromium is not here: apt-get install chromium chromium-driver", allow_module_level=True)

MODELS = ("brain-tumor-box-unet", "breast-ultrasound-cnn")


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """Return a folder with what is uploaded."""
    folder = tmp_path_factory.mktemp("scans")
    head = make_scan()[0]
    cv2.imwrite(str(folder / "head scan.png"), head)
    volume = np.stack([np.zeros_like(head), head, head // 2, np.zeros_like(head)], axis=-1).transpose(1, 0, 2)
    nibabel.Nifti1Image(np.ascontiguousarray(volume), np.diag([-1.0, -1.0, 4.0, 1.0])).to_filename(folder / "v.nii.gz")
    (folder / "text.png").write_text("no picture")
    with zipfile.ZipFile(folder / "evil.zip", "w") as archive:
        archive.writestr("../evil.png", b"")
    return folder


@pytest.fixture(scope="module")
def address():
    """Serve the page, and return its address."""
    import uvicorn

    from medzoo.app.serve import application

    with application(models=MODELS, hosts=("127.0.0.1",)) as app:
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    """Return a browser, which all tests here use one after the other, and the folder of its downloads."""
    folder = tmp_path_factory.mktemp("downloads")
    with browser(folder) as driver:
        yield driver, folder


class Page:
    """The page as a user sees it."""

    def __init__(self, driver, address):
        self.driver = driver
        driver.get(address)
        self.all("#files input[type=file]")

    def until(self, condition, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := condition():
                return value
            time.sleep(0.05)
        raise AssertionError(f"It did not happen; the page says: {self.driver.find_element('tag name', 'body').text}")

    def all(self, selector):
        """Return the elements of a selector as soon as there are any."""
        return self.until(lambda: self.driver.find_elements("css selector", selector))

    def text(self, selector):
        return " ".join(element.text for element in self.driver.find_elements("css selector", selector))

    def upload(self, path):
        self.all("#files input[type=file]")[0].send_keys(str(path))

    def pictures(self):
        return [image.get_attribute("src") for image in self.driver.find_elements("css selector", ".planes img")]

    def set_slider(self, name, value):
        """Move a slider as the keyboard or a pointer does."""
        script = (
            "const e = arguments[0]; e.value = arguments[1];"
            "for (const kind of ['input', 'change', 'pointerup']) e.dispatchEvent(new Event(kind, {bubbles: true}))"
        )
        self.driver.execute_script(script, self.all(f"#{name} input[type=range]")[0], value)


@pytest.fixture
def page(chromium, address):
    """Return the page, opened anew: another user."""
    return Page(chromium[0], address)


def test_a_picture_gets_its_mask_findings_and_files(page, scans, chromium):
    page.upload(scans / "head scan.png")
    page.until(page.pictures)
    assert "head scan: tumor" in page.text("#status") and "What is seen" in page.text("#findings")
    assert "Research use only" in page.text("#findings")
    links = {link.text: link for link in page.all(".downloads a")}
    assert set(links) == {"Mask", "Answer as JSON", "Report as PDF"}
    links["Mask"].click()
    links["Report as PDF"].click()
    mask, pdf = chromium[1] / "head scan_mask.png", chromium[1] / "head scan_en.pdf"
    page.until(lambda: mask.exists() and pdf.exists())
    assert cv2.imread(str(mask), 0).shape == make_scan()[0].shape and pdf.read_bytes()[:5] == b"%PDF-"


def test_a_volume_is_seen_in_three_planes_and_slid_through(page, scans):
    page.upload(scans / "v.nii.gz")
    page.until(lambda: len(page.pictures()) == 3)
    page.set_slider("axial", 0)
    page.until(lambda: "axial, slice 0 (0 to 3)" in page.text(".planes"))
    before = page.pictures()
    page.set_slider("axial", 1)
    page.until(lambda: "axial, slice 1 (0 to 3)" in page.text(".planes"))
    after = page.pictures()
    assert after[0] != before[0] and after[1:] == before[1:]


def test_a_change_of_the_layer_draws_anew(page, scans):
    page.upload(scans / "head scan.png")
    page.until(page.pictures)
    before = page.pictures()
    page.driver.find_element("css selector", "#layer input[value='Scan only']").click()
    page.until(lambda: page.pictures() != before)


def test_evidence_for_one_user_keeps_no_other_waiting(page, scans, address, monkeypatch):
    began, may_end = threading.Event(), threading.Event()
    monkeypatch.setattr(Session, "explain", lambda _: (began.set(), may_end.wait(30)))
    page.upload(scans / "head scan.png")
    page.until(page.pictures)
    page.driver.find_element("css selector", "#layer input[value^='Evidence']").click()
    page.until(began.is_set)
    first = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    try:
        other = Page(page.driver, address)
        other.upload(scans / "head scan.png")
        before = other.until(other.pictures)
        other.driver.find_element("css selector", "#layer input[value='Scan only']").click()
        other.until(lambda: other.pictures() != before, 8)
    finally:
        may_end.set()
        page.driver.close()
        page.driver.switch_to.window(first)


def test_another_model_answers_the_same_scan_and_shows_its_card(page, scans):
    page.upload(scans / "head scan.png")
    page.until(page.pictures)
    page.driver.find_element("css selector", "#model input").click()
    options = page.all("[role=option]")
    next(option for option in options if MODELS[1] in option.text).click()
    page.until(lambda: "%)" in page.text("#status"))
    assert page.pictures() and "probability" not in page.text("#layer").lower()
    page.until(lambda: {link.text for link in page.all(".downloads a")} == {"Answer as JSON", "Report as PDF"})
    next(button for button in page.all("button") if "What is known" in button.text).click()
    card = page.all("#card")[0].get_attribute("textContent")
    assert "breast" in card.lower() and "![" not in card


@pytest.mark.parametrize(
    ("name", "sentence"), [("text.png", "text.png is not a scan"), ("evil.zip", "leads out of the archive")]
)
def test_an_error_is_a_sentence_and_the_page_goes_on(page, scans, name, sentence, tmp_path):
    copy = tmp_path / name
    copy.write_bytes((scans / name).read_bytes())
    page.upload(copy)
    page.until(lambda: page.driver.find_elements("css selector", "#status [role=alert]"))
    shown = page.text("#status")
    assert sentence in shown and "/" not in shown.replace("../evil", "") and not page.pictures()
    page.upload(scans / "head scan.png")
    page.until(page.pictures)
    assert not page.driver.find_elements("css selector", "[role=alert]")


def test_what_a_user_leaves_is_gone(page, scans, address):
    page.upload(scans / "head scan.png")
    link = page.all(".downloads a")[0].get_attribute("href")
    assert urllib.request.urlopen(link).status == 200
    page.driver.get("about:blank")

    def is_gone():
        try:
            return urllib.request.urlopen(link).status != 200
        except urllib.error.HTTPError as error:
            return error.code == 404

    page.until(is_gone)


def test_nothing_is_asked_of_other_machines(page, scans, address):
    page.driver.get_log("performance")
    page.upload(scans / "head scan.png")
    page.until(page.pictures)
    page.driver.refresh()
    page.all("#files input[type=file]")
    events = [json.loads(entry["message"])["message"] for entry in page.driver.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    foreign = [url for url in asked if not url.startswith((address, "data:", "blob:"))]
    assert asked and not foreign


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/", "127.0.0.1", 200),
        ("/", "evil.example", 400),
        ("/gradio_api/file=http://127.0.0.1:1/x", "127.0.0.1", 404),
        ("/gradio_api/file=https%3A//example.org/x", "127.0.0.1", 404),
        ("/gradio_api/file=/etc/passwd", "127.0.0.1", 403),
    ],
)
def test_the_page_answers_its_own_name_and_fetches_nothing(address, path, host, status):
    port = address.rpartition(":")[2]
    request = urllib.request.Request(address + path, headers={"Host": f"{host}:{port}"})
    try:
        answer = urllib.request.urlopen(request)
    except urllib.error.HTTPError as error:
        answer = error
    assert answer.status == status
    if status == 200:
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")


def test_a_narrow_screen_shows_all_without_scrolling_sideways(page, scans):
    page.driver.set_window_size(500, 900)
    page.upload(scans / "head scan.png")
    page.until(page.pictures)
    wide, shown = (
        page.driver.execute_script(f"return document.documentElement.{name}") for name in ("scrollWidth", "clientWidth")
    )
    page.driver.set_window_size(1400, 1000)
    assert wide <= shown

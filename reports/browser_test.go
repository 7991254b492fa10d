package reports

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"klconf/spec"
)

// browser returns a Chromium. Where there is none the test is skipped, and
// fails if KLCONF_REQUIRE_CHROMIUM is set.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("KLCONF_REQUIRE_CHROMIUM") != "" {
		t.Fatal("no Chromium is on PATH, and KLCONF_REQUIRE_CHROMIUM demands one: install the package chromium")
	}
	t.Skip("no Chromium is on PATH: the page is not looked at in a browser; install the package chromium")
	return ""
}

// A frame is a page at a width.
type frame struct {
	name, page string
	file       string // in place of a page
	width      int
	dark       bool // by the switch on the page
}

// probe runs inside the browser and looks at every frame: what sticks out to
// the right, links without a target, texts whose contrast with the ground is
// below that of WCAG 2.2 AA, tables without caption or scope, pictures
// without words, headings that skip a level.
const probe = `
function luminance(c) {
  const f = c.map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
  return .2126 * f[0] + .7152 * f[1] + .0722 * f[2];
}
function color(text) { const m = text.match(/[\d.]+/g).map(Number); return m.length > 3 && m[3] == 0 ? null : m.slice(0, 3); }
function ground(e) { for (; e; e = e.parentElement) { const c = color(e.ownerDocument.defaultView.getComputedStyle(e).backgroundColor); if (c) return c; } return null; }
function look(frame) {
  const d = frame.contentDocument, w = frame.contentWindow, width = +frame.dataset.width, found = [];
  const say = s => { if (!found.includes(s)) found.push(s); };
  d.querySelectorAll("details").forEach(e => e.open = true);
  if (frame.dataset.dark) d.getElementById("theme-dark").click();
  const root = d.documentElement;
  if (root.scrollWidth > width) {
    say("scrolls: " + root.scrollWidth + " px wide");
    for (const e of d.body.querySelectorAll("*")) if (e.getBoundingClientRect().right > width + 1) { say("sticks out: " + e.tagName + " " + e.className); break; }
  }
  for (const a of d.querySelectorAll('a[href^="#"]')) if (!d.getElementById(decodeURIComponent(a.getAttribute("href").slice(1)))) say("nowhere: " + a.getAttribute("href"));
  const texts = d.createTreeWalker(d.body, NodeFilter.SHOW_TEXT);
  for (let n; n = texts.nextNode();) {
    const e = n.parentElement, s = w.getComputedStyle(e);
    if (!n.data.trim() || s.display == "none" || s.visibility != "visible" || !e.getClientRects().length) continue;
    const back = ground(e);
    if (!back) { say("no ground"); continue; }
    const a = luminance(color(s.color)), b = luminance(back), ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) say("contrast " + ratio.toFixed(2) + ": " + e.tagName + " " + e.className);
  }
  for (const t of d.querySelectorAll("table")) {
    if (!t.caption || !t.caption.textContent.trim()) say("a table without caption");
    if (t.querySelector("th:not([scope])")) say("a heading cell without scope");
    if (width < 600 && t.getBoundingClientRect().width > width) say("a table is too wide");
  }
  for (const s of d.querySelectorAll("svg")) if (!s.getAttribute("aria-label") && s.getAttribute("aria-hidden") != "true") say("a picture without words");
  let level = 0;
  for (const h of d.querySelectorAll("h1,h2,h3,h4,h5,h6")) { const l = +h.tagName[1]; if (l > level + 1) say("heading skips to " + h.tagName + ": " + h.textContent.trim()); level = l; }
  for (const m of d.querySelectorAll(".good,.bad,.known")) if (!/[\u2713\u2717\u2248\u2026]/.test(m.textContent)) say("a colour without a sign: " + m.textContent.trim());
  let sorted = 0;
  for (const t of d.querySelectorAll("table.sortable")) {
    const button = t.querySelector("th button"), names = () => [...t.tBodies[0].rows].map(r => r.cells[0].textContent.trim());
    if (!button) { say("a table cannot be sorted"); continue; }
    button.click();
    const up = names();
    button.click();
    const down = names();
    if (up.join() != [...up].sort((a, b) => a.localeCompare(b)).join() || up.join() != down.reverse().join() || up.length < 2) say("not sorted: " + up);
    sorted++;
  }
  return {name: frame.dataset.name, ground: ground(d.body).join(), sorted, found};
}
addEventListener("load", () => {
  const all = [...document.querySelectorAll("iframe")].map(look);
  document.body.textContent = "PROBED" + JSON.stringify(all) + "END";
});
`

// A sight is what was seen in one frame.
type sight struct {
	Name, Ground string
	Sorted       int // tables that a heading sorted
	Found        []string
}

// probed finds what the probe leaves in the page.
var probed = regexp.MustCompile(`(?s)<body>PROBED(.*)END`)

var console = regexp.MustCompile(`CONSOLE[^"]*"(.*)", source`)

// see opens frames in one browser and returns what it saw and what the
// console said.
func see(t *testing.T, dark bool, frames ...frame) (sights []sight, said []string) {
	t.Helper()
	path := browser(t)
	var b strings.Builder
	fmt.Fprintf(&b, "<!DOCTYPE html><meta charset=utf-8><script>%s</script><body>", probe)
	for _, f := range frames {
		mark := ""
		if f.dark {
			mark = "1"
		}
		source := fmt.Sprintf(`srcdoc="%s"`, html.EscapeString(f.page))
		if f.file != "" {
			source = fmt.Sprintf(`src="file://%s"`, html.EscapeString(f.file))
		}
		fmt.Fprintf(&b, `<iframe data-name="%s" data-width="%d" data-dark="%s" style="border:0;width:%dpx;height:900px" %s></iframe>`,
			f.name, f.width, mark, f.width, source)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "frames.html")
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	scheme := 1 // Blink's number of the light one
	if dark {
		scheme = 0
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // of a browser that hangs
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--disable-dev-shm-usage",
		"--user-data-dir="+filepath.Join(dir, "profile"), fmt.Sprintf("--blink-settings=preferredColorScheme=%d", scheme),
		"--allow-file-access-from-files", "--enable-logging=stderr", "--window-size=1500,1000", "--dump-dom", "file://"+file)
	cmd.WaitDelay = time.Second // its children may hold the pipes
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	m := probed.FindSubmatch(out)
	if m == nil {
		t.Fatalf("%s did not show the pages: %v\n%s", path, err, errs.String())
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(string(m[1]))), &sights); err != nil {
		t.Fatal(err)
	}
	for _, m := range console.FindAllStringSubmatch(errs.String(), -1) {
		said = append(said, m[1])
	}
	return sights, said
}

// TestPageInBrowser looks at the page as people will: on a phone, a tablet
// and a desktop, in light, in dark, and in dark by the switch on the page.
func TestPageInBrowser(t *testing.T) {
	page := page1(t, append(fixed(), wide()))
	var frames []frame
	for _, width := range []int{360, 768, 1060, 1220, 1440} {
		frames = append(frames, frame{name: fmt.Sprint(width), page: page, width: width})
	}
	grounds := map[string]bool{}
	check := func(name string, dark bool, frames ...frame) {
		sights, said := see(t, dark, frames...)
		for _, s := range sights {
			for _, f := range s.Found {
				t.Errorf("%s, %s px: %s", name, s.Name, f)
			}
			grounds[name+" "+s.Ground] = true
		}
		for _, s := range said {
			t.Errorf("%s: the console says %s", name, s)
		}
	}
	check("light", false, frames...)
	check("dark", true, frames[0], frames[4])
	check("switched", false, frame{name: "360", page: page, width: 360, dark: true})
	if !grounds["light 253,253,251"] || !grounds["dark 21,24,27"] || !grounds["switched 21,24,27"] || len(grounds) != 3 {
		t.Errorf("the grounds are %v", grounds)
	}
}

// wide is a report whose row in the matrix has no room to spare.
func wide() spec.Report {
	r := called("tensorflow/keras.losses.kl_divergence", "TensorFlow", "keras.losses.kl_divergence(P, Q)", spec.Convention{}, "", "")
	r.Verdict = spec.Nonconforming
	for _, f := range spec.Families {
		r.Elided = append(r.Elided, spec.Elision{Cited: f.Name, Counts: map[spec.Status]int{spec.Pass: 1000, spec.KnownFail: 500}})
	}
	return r
}

// What TestPageInBrowser looks for must be found where it is.
func TestBrowserCatchesSpoiltPages(t *testing.T) {
	page := page1(t, fixed())
	after := func(old, s string) string {
		if !strings.Contains(page, old) {
			t.Fatalf("the page has no %s", old)
		}
		return strings.Replace(page, old, old+s, 1)
	}
	cases := []struct{ spoilt, want string }{
		{after(`<main id="main">`, `<p style="width:500px">x</p>`), "scrolls: "},
		{after(`<main id="main">`, `<pre style="white-space:pre">`+strings.Repeat("x", 100)+`</pre>`), "scrolls: "},
		{after(`<main id="main">`, `<a href="#no-such">x</a>`), "nowhere: #no-such"},
		{after(`<main id="main">`, `<p style="color:#999">x</p>`), "contrast 2.8"},
		{after(`<main id="main">`, `<p style="background:#333">x</p>`), "contrast "},
		{strings.Replace(page, "<caption>", "<caption hidden></caption><x>", 1), "a table without caption"},
		{strings.Replace(page, ` scope="col"`, "", 1), "a heading cell without scope"},
		{after(`<main id="main">`, `<svg viewBox="0 0 1 1"></svg>`), "a picture without words"},
		{after(`<main id="main">`, `<h4>x</h4>`), "heading skips to H4"},
		{after(`<main id="main">`, `<b class="good">conforming</b>`), "a colour without a sign"},
	}
	var frames []frame
	for i, c := range cases {
		frames = append(frames, frame{name: fmt.Sprint(i), page: c.spoilt, width: 360})
	}
	// The browser is asked about loads by its console.
	for i, s := range []string{`<img src="https://example.org/a.png">`, `<link rel="stylesheet" href="https://example.org/a.css">`,
		`<script>console.error("spoilt")</script>`, `<p style="background-image:url(https://example.org/b.png)">x</p>`} {
		frames = append(frames, frame{name: fmt.Sprintf("load%d", i), page: after(`<main id="main">`, s), width: 360})
	}
	sights, said := see(t, false, frames...)
	for i, c := range cases {
		if found := strings.Join(sights[i].Found, "\n"); !strings.Contains(found, c.want) {
			t.Errorf("%q is not among:\n%s", c.want, found)
		}
	}
	all := strings.Join(said, "\n")
	for _, want := range []string{"a.png", "a.css", "inline script", "b.png"} {
		if !strings.Contains(all, want) {
			t.Errorf("%s is not in the console:\n%s", want, all)
		}
	}
}

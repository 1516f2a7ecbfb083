package api_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/api"
)

// TestThePageByKeysAlone does with a keyboard what a traveller does: search a station,
// go from train to train, open one's reasons and close them. Wherever the focus is,
// it can be seen.
func TestThePageByKeysAlone(t *testing.T) {
	t.Parallel()
	handler, _ := api.ServeThreeTrains(t)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	b := startBrowser(t)
	b.call("Page.navigate", map[string]any{"url": server.URL + "/?lang=en"}, nil)
	b.await("the board", `document.querySelectorAll("#board button.train").length`, "2")

	b.tabTo(`document.activeElement.id === "station"`)
	b.types("xyz")
	b.press("Enter")
	b.await("no such station", `!document.getElementById("meant").hidden && document.getElementById("meant").textContent !== ""`, "true")
	b.selectAll()
	b.types("frankfurt main hbf")
	b.press("Enter")
	b.await("the station found", `document.getElementById("station").value + " " + document.getElementById("meant").hidden`, `"Frankfurt(Main)Hbf true"`)

	b.tabTo(`document.activeElement.id === "event"`)
	b.press("ArrowDown")
	b.await("arrivals", `document.getElementById("event").value`, `"arrival"`)
	b.press("ArrowUp")
	b.await("departures", `document.getElementById("event").value`, `"departure"`)

	focused := `document.activeElement.textContent + " " + document.activeElement.getAttribute("aria-expanded")`
	b.tabTo(`document.activeElement.className === "train"`)
	b.await("the first train", focused, `"RE 4601 (54) false"`)
	b.press("ArrowDown")
	b.await("the second", focused, `"RE 4602 (54) false"`)
	b.press("ArrowDown")
	b.await("there is no third", focused, `"RE 4602 (54) false"`)
	b.press("Enter")
	b.await("its reasons", `document.querySelector("tr.details").textContent.includes("Delay in the railway's latest forecast: 9 min")`, "true")
	b.await("said to be open", focused, `"RE 4602 (54) true"`)
	b.press("Escape")
	b.await("closed, and the focus stays", `document.querySelectorAll("tr.details").length + " " + `+focused, `"0 RE 4602 (54) false"`)
	b.press("Escape")
	b.press("ArrowUp")
	b.await("back at the first", focused, `"RE 4601 (54) false"`)
	b.press(" ")
	b.await("the space bar opens as well", `document.querySelectorAll("tr.details").length + " " + `+focused, `"1 RE 4601 (54) true"`)
}

// browser is a headless Chromium that is driven through its pipe, as its developer
// tools are: with key events it cannot tell from those of a keyboard.
type browser struct {
	t       *testing.T
	to      io.Writer
	from    *bufio.Reader
	id      int
	session string
}

// profile is a directory that a browser's helpers may write to until they are gone.
func profile(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "puenktlich-browser-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		require.Eventually(t, func() bool { return os.RemoveAll(dir) == nil }, 5*time.Second, 50*time.Millisecond, dir)
	})
	return dir
}

func startBrowser(t *testing.T) *browser {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("NOT TESTED: the page was not used by keys, as no chromium is on the PATH; install Debian's package chromium to test what a person does")
	}
	hear, to, err := os.Pipe()
	from, say, other := os.Pipe()
	if err := errors.Join(err, other); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--user-data-dir="+profile(t), "--remote-debugging-pipe", "about:blank")
	command.ExtraFiles = []*os.File{hear, say} // it reads from 3 and writes to 4
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	hear.Close()
	say.Close()
	t.Cleanup(func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // its helpers too
		_ = command.Wait()                                      // it was killed
		to.Close()
		from.Close()
	})
	b := &browser{t: t, to: to, from: bufio.NewReader(from)}
	var pages struct {
		TargetInfos []struct{ TargetID, Type string }
	}
	b.call("Target.getTargets", nil, &pages)
	for _, target := range pages.TargetInfos {
		if target.Type == "page" {
			var attached struct{ SessionID string }
			b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
			b.session = attached.SessionID
			return b
		}
	}
	t.Fatalf("the browser has no page: %+v", pages)
	return nil
}

// call sends a command and waits for its answer; what happens meanwhile is passed over.
func (b *browser) call(method string, params map[string]any, into any) {
	b.t.Helper()
	b.id++
	order, err := json.Marshal(struct {
		ID        int            `json:"id"`
		Method    string         `json:"method"`
		Params    map[string]any `json:"params,omitempty"`
		SessionID string         `json:"sessionId,omitempty"`
	}{b.id, method, params, b.session})
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.to.Write(append(order, 0)); err != nil {
		b.t.Fatal(err)
	}
	for {
		body, err := b.from.ReadBytes(0)
		if err != nil {
			b.t.Fatalf("%s: %v", method, err)
		}
		var answer struct {
			ID     int
			Result json.RawMessage
			Error  *struct{ Message string }
		}
		if err := json.Unmarshal(body[:len(body)-1], &answer); err != nil {
			b.t.Fatal(err)
		}
		switch {
		case answer.ID != b.id:
		case answer.Error != nil:
			b.t.Fatalf("%s: %s", method, answer.Error.Message)
		case into == nil:
			return
		default:
			if err := json.Unmarshal(answer.Result, into); err != nil {
				b.t.Fatal(err)
			}
			return
		}
	}
}

// value is what an expression gives on the page, as JSON.
func (b *browser) value(expression string) string {
	b.t.Helper()
	var given struct {
		Result struct{ Value json.RawMessage }
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}, &given)
	return string(given.Result.Value)
}

// await waits until an expression gives a value.
func (b *browser) await(what, expression, want string) {
	b.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for got := b.value(expression); got != want; got = b.value(expression) {
		if time.Now().After(deadline) {
			b.t.Fatalf("%s: %s is %s, want %s", what, expression, got, want)
		}
	}
}

// codes are the virtual key codes of the keys that are pressed.
var codes = map[string]int{"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowUp": 38, "ArrowDown": 40}

// press is a key down and up.
func (b *browser) press(key string) {
	b.t.Helper()
	down := map[string]any{"type": "keyDown", "key": key, "code": strings.ReplaceAll(key, " ", "Space"), "windowsVirtualKeyCode": codes[key]}
	switch key {
	case "Enter":
		down["text"] = "\r"
	case " ":
		down["text"] = " "
	}
	b.call("Input.dispatchKeyEvent", down, nil)
	b.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "code": down["code"], "windowsVirtualKeyCode": codes[key]}, nil)
}

// types writes letter by letter.
func (b *browser) types(text string) {
	b.t.Helper()
	for _, letter := range text {
		b.call("Input.dispatchKeyEvent", map[string]any{"type": "keyDown", "key": string(letter), "text": string(letter)}, nil)
		b.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": string(letter)}, nil)
	}
}

// selectAll is Ctrl+A.
func (b *browser) selectAll() {
	b.t.Helper()
	b.call("Input.dispatchKeyEvent", map[string]any{"type": "keyDown", "key": "a", "code": "KeyA", "windowsVirtualKeyCode": 65, "modifiers": 2, "commands": []string{"selectAll"}}, nil)
	b.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": "a", "code": "KeyA", "windowsVirtualKeyCode": 65, "modifiers": 2}, nil)
}

// tabTo presses Tab until the focus is where it is wanted. Each place on the way has
// to show that it has it.
func (b *browser) tabTo(wanted string) {
	b.t.Helper()
	for range 40 {
		b.press("Tab")
		seen := b.value(`(() => { const s = getComputedStyle(document.activeElement); return document.activeElement === document.body || s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2; })()`)
		if seen != "true" {
			b.t.Errorf("the focus on %s cannot be seen: %s", b.value(`document.activeElement.outerHTML.slice(0, 80)`), b.value(`getComputedStyle(document.activeElement).outline`))
		}
		if b.value(wanted) == "true" {
			return
		}
	}
	b.t.Fatal(fmt.Sprintf("40 tabs do not lead to where %s", wanted))
}

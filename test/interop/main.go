// Verifies a running ledger with code that nobody here wrote: Torchwood, by an author of the C2SP specifications, and the Go
// project's own tlog and note packages. It knows of this ledger what the specifications say and where its nodes listen.
//
//	interop [-before FILE] [-after FILE] MEMBER=URL…
//
// At each node: the policy, the checkpoint by the policy, every entry against the tiles, proofs of a sample of entries; that a
// checkpoint with one bit turned is refused; and that the checkpoint goes on from every one in FILE. Writes the checkpoints it
// saw to the other FILE. Prints one JSON object; the exit code is 1 when anything did not hold.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type seen struct {
	Member     string `json:"member"`
	Size       int64  `json:"size"`
	Root       string `json:"root"`
	Entries    int    `json:"entries"`
	Proofs     int    `json:"proofs"`
	Successors int    `json:"goesOnFrom"`
	tree       tlog.Tree
}

// Every how many entries a proof file is asked for.
const proofStep = 7

func main() {
	before := flag.String("before", "", "trees that were seen earlier")
	after := flag.String("after", "", "where to write the trees that were seen now")
	flag.Parse()
	if err := run(*before, *after, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(before, after string, nodes []string) error {
	var earlier []tlog.Tree
	if before != "" {
		text, err := os.ReadFile(before)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &earlier); err != nil {
			return err
		}
	}
	var all []seen
	for _, node := range nodes {
		member, base, ok := strings.Cut(node, "=")
		if !ok {
			return fmt.Errorf("not MEMBER=URL: %q", node)
		}
		// What the nodes before it were seen at is what this one has to agree with, too.
		known := slices.Clone(earlier)
		for _, other := range all {
			known = append(known, other.tree)
		}
		found, err := verify(member, base, known)
		if err != nil {
			return fmt.Errorf("%s: %w", member, err)
		}
		all = append(all, found)
	}
	if after != "" {
		var trees []tlog.Tree
		for _, each := range all {
			trees = append(trees, each.tree)
		}
		text, err := json.Marshal(trees)
		if err != nil {
			return err
		}
		if err := os.WriteFile(after, text, 0o644); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(all)
}

func verify(member, base string, earlier []tlog.Tree) (seen, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	found := seen{Member: member}

	// Torchwood asks for the signature of every log that a policy lists, where C2SP tlog-policy asks for one of them.
	text, err := get(base + "/v1/policy?log=" + member)
	if err != nil {
		return found, err
	}
	policy, err := torchwood.ParsePolicy(text)
	if err != nil {
		return found, err
	}

	signed, err := get(base + "/checkpoint")
	if err != nil {
		return found, err
	}
	checkpoint, _, err := torchwood.VerifyCheckpoint(signed, policy)
	if err != nil {
		return found, err
	}
	if err := refusesAnother(signed, policy); err != nil {
		return found, err
	}
	if err := opensAsNote(signed, text); err != nil {
		return found, err
	}
	found.tree, found.Size, found.Root = checkpoint.Tree, checkpoint.N, checkpoint.Hash.String()

	fetcher, err := torchwood.NewTileFetcher(base)
	if err != nil {
		return found, err
	}
	client, err := torchwood.NewClient(fetcher)
	if err != nil {
		return found, err
	}
	for index, entry := range client.AllEntries(ctx, checkpoint.Tree, 0) {
		found.Entries++
		if index%proofStep != 0 {
			continue
		}
		proof, err := get(fmt.Sprintf("%s/v1/records/%d/proof?format=tlog-proof", base, index))
		if err != nil {
			return found, err
		}
		if err := torchwood.VerifyProof(policy, tlog.RecordHash(entry), proof); err != nil {
			return found, fmt.Errorf("proof of %d: %w", index, err)
		}
		if torchwood.VerifyProof(policy, tlog.RecordHash(append(bytes.Clone(entry), 0)), proof) == nil {
			return found, fmt.Errorf("the proof of %d proves another entry", index)
		}
		found.Proofs++
	}
	if err := client.Err(); err != nil {
		return found, err
	}
	if int64(found.Entries) != checkpoint.N {
		return found, fmt.Errorf("%d entries in a tree of %d", found.Entries, checkpoint.N)
	}

	tiles := tiles{ctx, fetcher}
	for _, old := range earlier {
		small, large := old, checkpoint.Tree
		if small.N > large.N {
			small, large = large, small
		}
		// The hashes of the larger tree, as this node serves them; they are checked by the proof that is made of them.
		if large.N > checkpoint.N {
			continue // this node does not show that much yet
		}
		proof, err := tlog.ProveTree(large.N, small.N, tlog.TileHashReader(large, tiles))
		if err != nil {
			return found, err
		}
		if err := tlog.CheckTree(proof, large.N, large.Hash, small.N, small.Hash); err != nil {
			return found, fmt.Errorf("size %d does not go on from %d: %w", large.N, small.N, err)
		}
		found.Successors++
	}
	return found, nil
}

// One bit of the root turned: the same signatures must not hold for it.
func refusesAnother(signed []byte, policy torchwood.Policy) error {
	lines := bytes.SplitN(signed, []byte("\n"), 4)
	if len(lines) != 4 {
		return errors.New("a checkpoint of fewer than three lines")
	}
	other := byte('A')
	if lines[2][0] == other {
		other = 'B'
	}
	changed := append([]byte{other}, lines[2][1:]...)
	forged := bytes.Join([][]byte{lines[0], lines[1], changed, lines[3]}, []byte("\n"))
	if _, _, err := torchwood.VerifyCheckpoint(forged, policy); err == nil {
		return errors.New("a changed checkpoint is taken for good")
	}
	return nil
}

// The Go project's own reader of signed notes, with nothing but the log's key.
func opensAsNote(signed, policy []byte) error {
	for _, line := range strings.Split(string(policy), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "log" {
			continue
		}
		verifier, err := note.NewVerifier(fields[1])
		if err != nil {
			return err
		}
		_, err = note.Open(signed, note.VerifierList(verifier))
		return err
	}
	return errors.New("a policy without a log")
}

type tiles struct {
	ctx     context.Context
	fetcher *torchwood.TileFetcher
}

func (t tiles) Height() int { return torchwood.TileHeight }
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	return t.fetcher.ReadTiles(t.ctx, wanted)
}
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func get(url string) ([]byte, error) {
	response, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, response.Status, body)
	}
	return body, err
}

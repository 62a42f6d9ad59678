package main

import (
	"regexp"
	"strings"
)

// genesisFile is where genesis lies in the locked store.
const genesisFile = "lanes/control/blocks/000000000@/000000000000"

// demoParts are what waxseal makes in a data folder, in the order of removal: the
// store with genesis and the mark are last, so that what an interruption leaves is
// still a demonstration for sure.
var demoParts = []string{"run.json", "run.json.new", "index.db", "index.db-wal", "index.db-shm",
	"index.db.new", "index.db.new-wal", "index.db.new-shm", "kafka", "spare", "meta", "keys", lockedPart, markPart}

const (
	lockedPart = "locked"
	lockPart   = "lock"
)

// litter begins the names of what a process leaves that is killed while it makes
// keys or the mark.
var litter = []string{".keys-", "." + markPart + "-"}

// made are the files that waxseal makes within these parts, as archiver/worm/dir,
// archiver/keyring and the embedded broker name them: an expression for each step
// of the path.
var made = madeFiles()

func madeFiles() (all [][]*regexp.Regexp) {
	var paths []string
	const (
		lane  = `(control|[0-9]+)`
		block = `[0-9]{9}@/[0-9]{12}`
		lock  = `(@lock)?`
	)
	for _, store := range []string{"locked", "meta", "spare"} {
		for _, file := range []string{
			"@format", "@flock", "@tmp/.+",
			"lanes/" + lane + "/blocks/" + block + lock,
			"lanes/" + lane + "/data/" + block + `/([0-9a-f]+-)?((seg|box|media)-[0-9]+(\.[0-9a-f]{16})?|outbox|snapshot)` + lock,
			"log/" + lane + "/checkpoint",
		} {
			paths = append(paths, store+"/"+file)
		}
		above := "log/" + lane + "/tile/([0-9]+|entries)/"
		for range 6 { // of three digits each
			paths = append(paths, store+"/"+above+`[0-9]{3}`, store+"/"+above+`[0-9]{3}\.p/[0-9]+`)
			above += "x[0-9]{3}/"
		}
	}
	paths = append(paths,
		"kafka/waxseal.lock",
		`kafka/data/[a-z_]+\.(json|log)(\.tmp)?`,
		`kafka/data/partitions/.+-[0-9]+/([0-9]+\.(dat|idx)|[a-z]+\.json)(\.tmp)?`,
		`(keys|\.keys-.+)/(keyring\.json|\.new-.+|[a-z]+-[0-9]+\.identity|[a-z0-9]+-[0-9]+\.key)`,
	)
	for _, p := range paths {
		var steps []*regexp.Regexp
		for step := range strings.SplitSeq(p, "/") {
			steps = append(steps, regexp.MustCompile("^(?:"+step+")$"))
		}
		all = append(all, steps)
	}
	return all
}

// isMade says whether waxseal makes a file, or a folder, of this path in a data
// folder.
func isMade(path string, folder bool) bool {
	steps := strings.Split(path, "/")
	for _, m := range made {
		if len(steps) > len(m) || (len(steps) == len(m)) == folder {
			continue
		}
		ok := true
		for i, s := range steps {
			ok = ok && m[i].MatchString(s)
		}
		if ok {
			return true
		}
	}
	return false
}

package index

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dchest/siphash"

	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// Keys are the secrets behind tags and tokens. Subject stays the same for the
// archive's life, because it also names whose key row a piece goes to; the token
// key is stepped from epoch to epoch. Ingest holds the current epoch's key,
// readers hold all. Keys are read only and safe for concurrent use.
type Keys struct {
	Subject [16]byte
	Token   map[uint32][16]byte // by epoch, from 1
}

// ErrEpoch is returned where words are to be hashed under an epoch whose key is
// not held.
var ErrEpoch = errors.New("no token key of that epoch")

// Domains of the subject key. A tag of one domain never equals one of another
// for a reason other than chance.
const (
	domainPerson       = 'p'
	domainMessage      = 'm'
	domainDisplay      = 'd'
	domainGroup        = 'g'
	domainConversation = 'c'
	domainMedia        = 'b'
)

// PersonTag is the tag of a person on a business number (phone_number_id). The
// id is a BSUID, a wa_id in digits, or a username as UsernameID writes it.
func (k *Keys) PersonTag(number, id string) Tag { return k.tag(domainPerson, number, id) }

// MessageTag is the tag of a wamid or wacid.
func (k *Keys) MessageTag(id string) Tag { return k.tag(domainMessage, id, "") }

// MediaTag is the tag of media on a business number, by what messages name it by
// (whatsapp.Item.MediaLink); number "" where the bytes came without one.
func (k *Keys) MediaTag(number, link string) Tag { return k.tag(domainMedia, number, link) }

// DisplayTag is the tag of a business's own phone number, in digits.
func (k *Keys) DisplayTag(digits string) Tag { return k.tag(domainDisplay, digits, "") }

// GroupTag is the tag of a group on a business number.
func (k *Keys) GroupTag(number, group string) Tag { return k.tag(domainGroup, number, group) }

// ConversationTag is the tag of what was said on a number with a person or in a
// group, who being the tag of either.
func (k *Keys) ConversationTag(number string, who Tag) Tag {
	return k.tag(domainConversation, number, string(who[:]))
}

// tag is SipHash-2-4-128 over domain, length of a, a, b: the last field needs no
// length of its own.
func (k *Keys) tag(domain byte, a, b string) Tag {
	var room [160]byte
	buf := append(room[:0], domain)
	buf = binary.AppendUvarint(buf, uint64(len(a)))
	buf = append(buf, a...)
	buf = append(buf, b...)
	k0, k1 := halves(k.Subject)
	lo, hi := siphash.Hash128(k0, k1, buf)
	var t Tag
	binary.LittleEndian.PutUint64(t[:8], lo)
	binary.LittleEndian.PutUint64(t[8:], hi)
	return t
}

func halves(key [16]byte) (k0, k1 uint64) {
	return binary.LittleEndian.Uint64(key[:8]), binary.LittleEndian.Uint64(key[8:])
}

// PersonIDs gives the identities a record names a person by, the primary one
// first: BSUID, wa_id, username, parent BSUID, then further ones.
func PersonIDs(p *whatsapp.Person) []string { return appendIDs(make([]string, 0, 4), p) }

// PrimaryID is the first of PersonIDs, "" where there is none.
func PrimaryID(p *whatsapp.Person) string {
	var room [8]string
	if ids := appendIDs(room[:0], p); len(ids) > 0 {
		return ids[0]
	}
	return ""
}

func appendIDs(ids []string, p *whatsapp.Person) []string {
	for _, id := range [...]string{p.UserID, p.WaID, UsernameID(p.Username), p.ParentID} {
		if id != "" {
			ids = append(ids, id)
		}
	}
	for _, also := range p.Also {
		switch {
		case also.ID == "":
		case also.Kind == whatsapp.AliasUsername:
			ids = append(ids, UsernameID(also.ID))
		default:
			ids = append(ids, also.ID)
		}
	}
	return ids
}

// changedIDs gives the further identities that an identity change names.
func changedIDs(c *whatsapp.IdentityChange) []string {
	var ids []string
	for _, id := range [...]string{c.UserID, c.WaID, c.ParentID, c.OldUserID, c.OldParentID} {
		if id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// UsernameID is the identity of a username: "@" and the name in lower case, so
// that it can be neither a BSUID nor digits. "" for "".
func UsernameID(name string) string {
	name = strings.TrimPrefix(name, "@")
	if name == "" {
		return ""
	}
	return "@" + strings.ToLower(name)
}

// PersonID reads a person as somebody types one: a phone number in any usual
// spelling, a BSUID, or @username. ok is false for anything else.
func PersonID(s string) (id string, ok bool) {
	s = strings.TrimSpace(s)
	if name, found := strings.CutPrefix(s, "@"); found {
		return UsernameID(name), name != "" && !strings.ContainsAny(name, " \t")
	}
	if isBSUID(s) {
		return s, true
	}
	digits := Digits(s)
	return digits, len(digits) >= 5
}

// isBSUID: two capitals and a dot in front, then letters, digits and dots.
func isBSUID(s string) bool {
	if len(s) < 4 || s[2] != '.' || !isUpper(s[0]) || !isUpper(s[1]) {
		return false
	}
	for _, c := range []byte(s[3:]) {
		if !isUpper(c) && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' {
			return false
		}
	}
	return true
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }

// Digits reads a phone number as typed: digits, with spaces, dots, dashes,
// parentheses and a leading + or 00 dropped. "" where it is no phone number.
func Digits(s string) string {
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			out = append(out, c)
		case c == '+' && len(out) == 0:
		case strings.IndexByte(" -.()/", c) >= 0:
		default:
			return ""
		}
	}
	return strings.TrimPrefix(string(out), "00")
}

// Person gives the tags of a person on a number: of the primary identity, and
// of each, further ones included, sorted.
func (k *Keys) Person(number string, p *whatsapp.Person, further ...string) (subject Tag, aliases []Tag) {
	return k.appendPerson(nil, number, p, further)
}

// appendPerson does the same with memory for the aliases.
func (k *Keys) appendPerson(room []Tag, number string, p *whatsapp.Person, further []string) (subject Tag, aliases []Tag) {
	var names [8]string
	ids := appendIDs(names[:0], p)
	aliases = room[:0]
	if len(ids) == 0 {
		return Tag{}, aliases
	}
	for _, id := range ids {
		aliases = append(aliases, k.PersonTag(number, id))
	}
	subject = aliases[0]
	for _, id := range further {
		aliases = append(aliases, k.PersonTag(number, id))
	}
	slices.SortFunc(aliases, CompareTags)
	return subject, slices.Compact(aliases)
}

// CompareTags orders tags by their bytes.
func CompareTags(a, b Tag) int { return bytes.Compare(a[:], b[:]) }

// PersonTags gives a person's tag on each of the numbers, for a query that names
// no number.
func (k *Keys) PersonTags(numbers []string, id string) []Tag {
	tags := make([]Tag, len(numbers))
	for i, n := range numbers {
		tags[i] = k.PersonTag(n, id)
	}
	return tags
}

// Tokens gives the tokens of the words in texts under an epoch's key, sorted,
// each once; nil where there is no word.
func (k *Keys) Tokens(epoch uint32, texts []string) ([]Token, error) {
	return k.appendTokens(nil, epoch, texts)
}

// appendTokens does the same with memory for the tokens.
func (k *Keys) appendTokens(room []Token, epoch uint32, texts []string) ([]Token, error) {
	key, ok := k.Token[epoch]
	if !ok {
		return nil, fmt.Errorf("hash words: epoch %d: %w", epoch, ErrEpoch)
	}
	size := 0
	for _, t := range texts {
		size += len(t)
	}
	if size == 0 {
		return room[:0], nil
	}
	k0, k1 := halves(key)
	tokens := room[:0]
	if tokens == nil {
		tokens = make([]Token, 0, min(size/5+2, 1024))
	}
	for _, t := range texts {
		terms(t, func(term []byte) {
			tokens = append(tokens, Token(siphash.Hash(k0, k1, term)))
		})
	}
	if len(tokens) == 0 {
		return room[:0], nil
	}
	slices.Sort(tokens)
	return slices.Compact(tokens), nil
}

// term gives the token of one term in each epoch held, in epoch order.
func (k *Keys) term(term string) []Token {
	epochs := make([]uint32, 0, len(k.Token))
	for e := range k.Token {
		epochs = append(epochs, e)
	}
	slices.Sort(epochs)
	tokens := make([]Token, len(epochs))
	for i, e := range epochs {
		k0, k1 := halves(k.Token[e])
		tokens[i] = Token(siphash.Hash(k0, k1, []byte(term)))
	}
	return tokens
}

package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrCanonical is returned for JSON that is not exactly what our encoder
// writes: unknown, repeated or reordered fields, other spacing or escapes, what
// follows the value.
var ErrCanonical = errors.New("not canonical JSON")

// EncodeCanonical is the one form of our JSON documents: compact, in field order,
// without HTML escaping.
func EncodeCanonical(v any) ([]byte, error) { return encodeCanonical(v) }

// DecodeCanonical reads what EncodeCanonical writes into v, and nothing else.
// Errors are ErrCanonical and quote nothing of the input.
func DecodeCanonical(data []byte, v any) error { return decodeCanonical(data, v) }

// encodeCanonical gives compact JSON in field order, without HTML escaping.
func encodeCanonical(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

// decodeCanonical reads what encodeCanonical writes into v, and nothing else:
// one form per value, so that no byte can change unnoticed. The error names no
// content.
func decodeCanonical(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("%w: %s", ErrCanonical, describe(err))
	}
	again, err := encodeCanonical(v)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrCanonical, describe(err))
	}
	if !bytes.Equal(again, data) {
		return fmt.Errorf("%w: byte %d", ErrCanonical, firstDifference(again, data))
	}
	return nil
}

// describe says what kind of error decoding met, without quoting the input.
func describe(err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("syntax at byte %d", syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Sprintf("wrong type at byte %d", kind.Offset)
	case errors.Is(err, ErrHash):
		return ErrHash.Error()
	}
	return "wrong or unknown field"
}

func firstDifference(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

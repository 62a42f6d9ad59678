package demo

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"strings"
)

// file is media of the day, drawn by the functions below.
type file struct {
	id, mime, name string
	bytes          []byte
}

func (d *day) file(mime, name string, content []byte) file {
	d.ids++
	return file{id: fmt.Sprintf("155501%09d", 400+d.ids), mime: mime, name: name, bytes: content}
}

func (f file) sum() [32]byte { return sha256.Sum256(f.bytes) }

func (f file) hex() string {
	s := f.sum()
	return hex.EncodeToString(s[:])
}

// media is a message's body of a kind that carries the file: live webhooks give
// its hash in base64.
func (f file) media(kind string, more ...any) object {
	s := f.sum()
	return f.body(kind, base64.StdEncoding.EncodeToString(s[:]), more...)
}

// past is the same as history gives it, with the hash in hex.
func (f file) past(kind string, more ...any) object { return f.body(kind, f.hex(), more...) }

func (f file) body(kind, sum string, more ...any) object {
	m := object{"mime_type", f.mime, "sha256", sum, "id", f.id}
	if f.name != "" {
		m = m.with("filename", f.name)
	}
	return object{"type", kind, kind, m.with(more...)}
}

// photo draws a picture of something: rings in a colour over a soft ground.
func (d *day) photo(n int, tint color.RGBA) file {
	const w, h = 320, 240
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			dx, dy := float64(x-40-n*37%240), float64(y-120)
			ring := 0.5 + 0.5*math.Sin(math.Sqrt(dx*dx+dy*dy)/(6+float64(n%5)))
			mix := func(c uint8, ground int) uint8 { return uint8(float64(c)*ring + float64(ground)*(1-ring)) }
			m.SetRGBA(x, y, color.RGBA{mix(tint.R, 230-y/3), mix(tint.G, 235-y/3), mix(tint.B, 240-y/4), 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 70}); err != nil {
		panic(fmt.Sprintf("demo: draw a photo: %v", err))
	}
	return d.file("image/jpeg", "", b.Bytes())
}

// chart draws bars, as of a screenshot.
func (d *day) chart(bars ...int) file {
	m := image.NewPaletted(image.Rect(0, 0, 30*len(bars)+20, 120), color.Palette{color.White, color.RGBA{20, 90, 160, 255}, color.Black})
	for i, v := range bars {
		for y := 110 - v; y < 110; y++ {
			for x := 15 + 30*i; x < 35+30*i; x++ {
				m.SetColorIndex(x, y, 1)
			}
		}
	}
	for x := range m.Rect.Max.X {
		m.SetColorIndex(x, 110, 2)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(fmt.Sprintf("demo: draw a chart: %v", err))
	}
	return d.file("image/png", "", b.Bytes())
}

// paper writes a document of one page, with lines of ASCII.
func (d *day) paper(name string, lines ...string) file {
	var page strings.Builder
	page.WriteString("BT /F1 14 Tf 60 760 Td 22 TL\n")
	for _, l := range lines {
		fmt.Fprintf(&page, "(%s) Tj T*\n", strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(l))
	}
	page.WriteString("ET")
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", page.Len(), page.String()),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	starts := make([]int, len(objects))
	for i, o := range objects {
		starts[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, at := range starts {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, xref)
	return d.file("application/pdf", name, b.Bytes())
}

// voice is a voice note in which nobody speaks: Ogg (RFC 3533) with so many
// seconds of Opus silence (RFC 7845).
func (d *day) voice(seconds int) file {
	serial := uint32(0x5741 + seconds)
	head := append([]byte("OpusHead"), 1, 1, 0, 0, 0x80, 0xBB, 0, 0, 0, 0, 0) // one channel, 48 kHz
	tags := append([]byte("OpusTags"), 7, 0, 0, 0)
	tags = append(append(tags, "waxseal"...), 0, 0, 0, 0)
	b := oggPage(nil, 2, 0, serial, 0, head)
	b = oggPage(b, 0, 0, serial, 1, tags)
	silence := []byte{0xF8, 0xFF, 0xFE} // 20 ms
	for s := 1; s <= seconds; s++ {
		packets := make([][]byte, 50)
		for i := range packets {
			packets[i] = silence
		}
		flags := byte(0)
		if s == seconds {
			flags = 4
		}
		b = oggPage(b, flags, uint64(s)*48000, serial, uint32(s+1), packets...)
	}
	return d.file("audio/ogg; codecs=opus", "", b)
}

// oggPage appends a page of short packets.
func oggPage(b []byte, flags byte, granule uint64, serial, sequence uint32, packets ...[]byte) []byte {
	from := len(b)
	b = append(b, 'O', 'g', 'g', 'S', 0, flags)
	b = binary.LittleEndian.AppendUint64(b, granule)
	b = binary.LittleEndian.AppendUint32(b, serial)
	b = binary.LittleEndian.AppendUint32(b, sequence)
	b = append(b, 0, 0, 0, 0, byte(len(packets)))
	for _, p := range packets {
		b = append(b, byte(len(p)))
	}
	for _, p := range packets {
		b = append(b, p...)
	}
	var crc uint32
	for _, c := range b[from:] {
		crc ^= uint32(c) << 24
		for range 8 {
			if crc&(1<<31) != 0 {
				crc = crc<<1 ^ 0x04C11DB7
			} else {
				crc <<= 1
			}
		}
	}
	binary.LittleEndian.PutUint32(b[from+22:], crc)
	return b
}

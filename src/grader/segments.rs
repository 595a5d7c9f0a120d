//! Segments of chapter 8's protocol, and the grader's ends of it: who receives from a submission
//! that sends, and what time says about a retransmission.
//!
//! A segment is `type u8, seq u32, length u16, payload`. The grader reads and writes it by itself.

mod estimate;
mod inbound;

pub use estimate::Estimate;
pub use inbound::{Arrival, Inbound};

pub const DATA: u8 = 1;
pub const ACK: u8 = 2;
pub const END: u8 = 3;
pub const END_ACK: u8 = 4;

/// The longest payload.
pub const MAX_PAYLOAD: usize = 1024;

const HEADER: usize = 7;

/// A segment as it is on the wire.
pub fn segment(kind: u8, number: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend_from_slice(&number.to_be_bytes());
    out.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    out.extend_from_slice(payload);
    out
}

pub fn data(number: u32, payload: &[u8]) -> Vec<u8> {
    segment(DATA, number, payload)
}

pub fn ack(number: u32) -> Vec<u8> {
    segment(ACK, number, &[])
}

pub fn end(number: u32) -> Vec<u8> {
    segment(END, number, &[])
}

pub fn end_ack(number: u32) -> Vec<u8> {
    segment(END_ACK, number, &[])
}

/// A datagram, read as a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub kind: u8,
    pub number: u32,
    pub payload: Vec<u8>,
}

impl Segment {
    /// `None` if it isn't one.
    pub fn read(datagram: &[u8]) -> Option<Segment> {
        let (header, payload) = datagram.split_first_chunk::<HEADER>()?;
        let [kind, a, b, c, d, high, low] = *header;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let fits = length == payload.len() && length <= MAX_PAYLOAD;
        let known = (DATA..=END_ACK).contains(&kind) && (length > 0) == (kind == DATA);
        (fits && known).then(|| Segment {
            kind,
            number: u32::from_be_bytes([a, b, c, d]),
            payload: payload.to_vec(),
        })
    }

    pub fn is(&self, kind: u8, number: u32) -> bool {
        (self.kind, self.number) == (kind, number)
    }
}

/// What a datagram is, in words: `data 3`, `ack 4`.
pub fn told(datagram: &[u8]) -> String {
    let kind = match datagram.first() {
        Some(&DATA) => "data",
        Some(&ACK) => "ack",
        Some(&END) => "end",
        Some(&END_ACK) => "end-ack",
        _ => "",
    };
    match Segment::read(datagram) {
        Some(segment) => format!("{kind} {}", segment.number),
        None => "no segment".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_reads_back_and_what_is_none_does_not() {
        let whole = data(0xffff_fffa, b"hello");
        assert_eq!(whole[..7], [1, 0xff, 0xff, 0xff, 0xfa, 0, 5]);
        let read = Segment::read(&whole).map(|s| (s.kind, s.number, s.payload));
        assert_eq!(read, Some((DATA, 0xffff_fffa, b"hello".to_vec())));
        for wrong in [
            &whole[..11],
            &whole[..6],
            b"",
            &segment(9, 0, b""),
            &segment(DATA, 0, &[0; 1025]),
            &segment(ACK, 0, b"x"),
        ] {
            assert_eq!(Segment::read(wrong), None);
        }
        assert_eq!(told(&ack(7)), "ack 7");
    }
}

//! Pages on their way: what is read of them, and what is put in.

use lunette_pages::{Batch, PAGE_BYTES};

/// Reads any bytes as a batch, and puts memory into another.
pub fn check(data: &[u8]) {
    if let Ok(batch) = postcard::from_bytes::<Batch>(data)
        && let Ok(parts) = batch.parts()
    {
        let mut content = 0;
        for (run, bytes) in parts {
            assert!(run.start.is_multiple_of(PAGE_BYTES as u64) && run.bytes.is_multiple_of(PAGE_BYTES as u64));
            assert!(run.start.checked_add(run.bytes).is_some(), "a run ends before the last address");
            assert_eq!(bytes.is_none(), run.is_zero);
            assert!(bytes.is_none_or(|bytes| bytes.len() as u64 == run.bytes));
            content += bytes.map_or(0, <[u8]>::len);
        }
        assert_eq!(content, batch.content.len(), "all content belongs to a run");
        let bytes = postcard::to_stdvec(&batch).expect("a batch can be written");
        assert_eq!(postcard::from_bytes::<Batch>(&bytes).as_ref(), Ok(&batch));
    }
    put(data);
}

/// Puts memory in, a page for each byte of the input and zero where that is, with gaps at some.
fn put(data: &[u8]) {
    let mut batch = Batch::default();
    let data = &data[..data.len().min(64)];
    let base = 0x10_0000;
    for (number, pages) in data.chunks(5).enumerate() {
        let start = base + (number * 7 * PAGE_BYTES) as u64;
        let end = start + (pages.len() * PAGE_BYTES) as u64;
        let copied = batch.add(start..end, |address, bytes| {
            assert_eq!((address, bytes.len()), (start, pages.len() * PAGE_BYTES));
            for (page, &byte) in bytes.chunks_exact_mut(PAGE_BYTES).zip(pages) {
                page[usize::from(byte)] = byte;
            }
            Ok::<(), ()>(())
        });
        assert_eq!(copied, Ok(()));
    }
    let mut found = 0;
    for (run, content) in batch.parts().expect("what was put in is well-formed") {
        for page in 0..run.bytes as usize / PAGE_BYTES {
            let number = (run.start - base) as usize / PAGE_BYTES + page;
            let byte = data[number / 7 * 5 + number % 7];
            let page = content.map(|content| &content[page * PAGE_BYTES..][..PAGE_BYTES]);
            assert_eq!(page.is_none(), byte == 0, "zero pages have no content");
            assert!(page.is_none_or(|page| page[usize::from(byte)] == byte));
            found += 1;
        }
    }
    assert_eq!(found, data.len(), "all pages are there");
}

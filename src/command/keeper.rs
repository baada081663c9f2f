//! Who sees to the snapshots of a running program: it asks for one itself, or somebody else asks for something.

use super::{
    arguments::Session as Options,
    control::{self, Request},
    leaving::Leaving,
    snapshot::{self, write_file},
};
use lunette::{AfterSnapshot, Error, SnapshotCause, Tenant};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Sees to the snapshots that a program, or somebody else, asks for: `asked` is set when somebody sends the signal.
pub fn keep(tenant: &mut Tenant, options: &Options, asked: Arc<AtomicBool>, is_uncertain: Arc<AtomicBool>) {
    let (path, compress) = (options.snapshot_to.clone(), options.compress);
    let handle = tenant.snapshot_handle();
    let mut leaving: Option<Leaving> = None;
    tenant.on_snapshot(move |snapshot| match (snapshot.cause(), &path) {
        (SnapshotCause::Request, _) => {
            if asked.swap(false, Ordering::AcqRel) {
                let (request, mut stream) = control::come()?;
                match request {
                    Request::Snapshot { stop, compress } => {
                        return snapshot::send(snapshot, stream, stop, compress);
                    }
                    Request::Migrate { .. } if leaving.is_some() => {
                        control::conclude(&mut stream, Err("the program is on its way already"))?;
                    }
                    Request::Migrate { address, key, image } => {
                        let is_uncertain = is_uncertain.clone();
                        leaving = Some(Leaving::begin(handle.clone(), address, &key, image, stream, is_uncertain)?);
                    }
                }
            }
            match leaving.take() {
                Some(left) => {
                    let (after, rest) = left.attend(snapshot);
                    leaving = rest;
                    Ok(after)
                }
                None => Ok(AfterSnapshot::GoOn),
            }
        }
        (_, Some(path)) => write_file(snapshot, path, compress).map(|()| AfterSnapshot::GoOn),
        (_, None) => Err(Error::message("no file for snapshots was named: lunette run --snapshot-to FILE")),
    });
}

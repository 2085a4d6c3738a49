//! What a process takes from itself once it is set up, so that whoever takes it over gets little.
//!
//! Three independent walls: what it may do as a privileged process ([`capability`]), which files it
//! may open ([`files`]), and which system calls it may make ([`calls`]), or may not ([`denied`]). All
//! of it holds for the thread that asks and for those that it starts later: it is to be done before
//! threads are started. Nothing of it can be taken back.

pub mod calls;
pub mod capability;
pub mod denied;
pub mod families;
pub mod files;

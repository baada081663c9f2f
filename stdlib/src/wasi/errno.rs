//! Error numbers of WASI.

use lunette_interpreter::host::HostError;

/// An error number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub u16);

macro_rules! numbers {
    ($($name:ident = $number:literal $(, as $linux:literal)*;)*) => {
        #[allow(missing_docs, reason = "the names are those of the specification, and of C")]
        impl Errno {
            $(pub const $name: Errno = Errno($number);)*
        }

        /// The number for one in C's `errno`, as Linux has it.
        fn from_linux(code: i32) -> Errno {
            match code {
                $($($linux => Errno::$name,)*)*
                _ => Errno::IO,
            }
        }
    };
}

numbers! {
    SUCCESS = 0;
    TOOBIG = 1, as 7;
    ACCES = 2, as 13;
    ADDRINUSE = 3, as 98;
    ADDRNOTAVAIL = 4, as 99;
    AFNOSUPPORT = 5, as 97;
    AGAIN = 6, as 11;
    ALREADY = 7, as 114;
    BADF = 8, as 9;
    BADMSG = 9, as 74;
    BUSY = 10, as 16;
    CANCELED = 11, as 125;
    CHILD = 12, as 10;
    CONNABORTED = 13, as 103;
    CONNREFUSED = 14, as 111;
    CONNRESET = 15, as 104;
    DEADLK = 16, as 35;
    DESTADDRREQ = 17, as 89;
    DOM = 18, as 33;
    DQUOT = 19, as 122;
    EXIST = 20, as 17;
    FAULT = 21, as 14;
    FBIG = 22, as 27;
    HOSTUNREACH = 23, as 113;
    IDRM = 24, as 43;
    ILSEQ = 25, as 84;
    INPROGRESS = 26, as 115;
    INTR = 27, as 4;
    INVAL = 28, as 22;
    IO = 29, as 5;
    ISCONN = 30, as 106;
    ISDIR = 31, as 21;
    LOOP = 32, as 40;
    MFILE = 33, as 24;
    MLINK = 34, as 31;
    MSGSIZE = 35, as 90;
    MULTIHOP = 36, as 72;
    NAMETOOLONG = 37, as 36;
    NETDOWN = 38, as 100;
    NETRESET = 39, as 102;
    NETUNREACH = 40, as 101;
    NFILE = 41, as 23;
    NOBUFS = 42, as 105;
    NODEV = 43, as 19;
    NOENT = 44, as 2;
    NOEXEC = 45, as 8;
    NOLCK = 46, as 37;
    NOLINK = 47, as 67;
    NOMEM = 48, as 12;
    NOMSG = 49, as 42;
    NOPROTOOPT = 50, as 92;
    NOSPC = 51, as 28;
    NOSYS = 52, as 38;
    NOTCONN = 53, as 107;
    NOTDIR = 54, as 20;
    NOTEMPTY = 55, as 39;
    NOTRECOVERABLE = 56, as 131;
    NOTSOCK = 57, as 88;
    NOTSUP = 58, as 95;
    NOTTY = 59, as 25;
    NXIO = 60, as 6;
    OVERFLOW = 61, as 75;
    OWNERDEAD = 62, as 130;
    PERM = 63, as 1;
    PIPE = 64, as 32;
    PROTO = 65, as 71;
    PROTONOSUPPORT = 66, as 93;
    PROTOTYPE = 67, as 91;
    RANGE = 68, as 34;
    ROFS = 69, as 30;
    SPIPE = 70, as 29;
    SRCH = 71, as 3;
    STALE = 72, as 116;
    TIMEDOUT = 73, as 110;
    TXTBSY = 74, as 26;
    XDEV = 75, as 18;
    NOTCAPABLE = 76;
}

impl From<&HostError> for Errno {
    fn from(error: &HostError) -> Errno {
        from_linux(error.code)
    }
}

impl Errno {
    /// The number for one in C's `errno`.
    pub fn from_host(code: i32) -> Errno {
        if code == 0 { Errno::SUCCESS } else { from_linux(code) }
    }
}

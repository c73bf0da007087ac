#pragma once

#include "dcgan/export.h"

namespace dcgan {

/// Whether files that are written, run folders, and HDF5 files that are read are locked, so that two processes never
/// write to one of them. They are, unless this is called with `false`, for file systems without locks (NFS may be one);
/// then it is the caller who sees to it. For the whole process; call it before files are opened.
DCGAN_EXPORT void use_file_locks(bool use);
DCGAN_EXPORT bool uses_file_locks();

}  // namespace dcgan

// Nothing but the scalar target is compiled.
#pragma once
#include "hwy/highway.h"

"""The API of Cloud Scheduler over gRPC, as Google's own client speaks it.

`scheduler_v1.CloudSchedulerClient` with `CloudSchedulerGrpcTransport` on an insecure channel.
"""

import base64
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, Protocol

import grpc
import grpc.aio
from google.cloud import scheduler_v1
from google.protobuf import empty_pb2

from emulator.cloud_scheduler import job_messages as messages
from emulator.cloud_scheduler.book import Book
from emulator.cloud_scheduler.cron import ScheduleError
from emulator.cloud_scheduler.jobs import JobError
from emulator.cloud_scheduler.runner import Runner

SERVICE = "google.cloud.scheduler.v1.CloudScheduler"
PAGE_MAX = 500


class _Context(Protocol):
    """What is used of grpc.aio's, which has no types."""

    async def abort(self, code: grpc.StatusCode, details: str) -> None: ...


_Answer = Callable[[Any, _Context], Awaitable[Any]]


class Api:
    """Each method answers one request or ends it with one of Google's status codes."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def handler(self) -> grpc.GenericRpcHandler:
        """For `grpc.aio.Server.add_generic_rpc_handlers`."""
        job = scheduler_v1.Job.serialize
        listed = scheduler_v1.ListJobsResponse.serialize
        empty = empty_pb2.Empty.SerializeToString
        methods: dict[str, tuple[_Answer, type[Any], Callable[[Any], bytes]]] = {
            "CreateJob": (self.create, scheduler_v1.CreateJobRequest, job),
            "GetJob": (self.get, scheduler_v1.GetJobRequest, job),
            "ListJobs": (self.list, scheduler_v1.ListJobsRequest, listed),
            "UpdateJob": (self.update, scheduler_v1.UpdateJobRequest, job),
            "DeleteJob": (self.delete, scheduler_v1.DeleteJobRequest, empty),
            "PauseJob": (self.pause, scheduler_v1.PauseJobRequest, job),
            "ResumeJob": (self.resume, scheduler_v1.ResumeJobRequest, job),
            "RunJob": (self.run, scheduler_v1.RunJobRequest, job),
        }
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                name: grpc.unary_unary_rpc_method_handler(answer, request.deserialize, write)
                for name, (answer, request, write) in methods.items()
            },
        )

    async def create(self, request: Any, context: _Context) -> Any:
        prefix = f"{request.parent}/jobs/"
        said = request.job
        if not said.name:
            await _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "job.name is required here")
        if not said.name.startswith(prefix):
            await _refuse(
                context, grpc.StatusCode.INVALID_ARGUMENT, f"job.name begins with {prefix}"
            )
        if said.name in self._book:
            await _refuse(context, grpc.StatusCode.ALREADY_EXISTS, f"{said.name} exists")
        job = await self._read(said, context)
        return messages.written(said.name, self._book.add(said.name, job))

    async def get(self, request: Any, context: _Context) -> Any:
        return messages.written(request.name, await self._runner(request.name, context))

    async def list(self, request: Any, context: _Context) -> Any:
        names = self._book.names(request.parent)
        size = min(request.page_size or PAGE_MAX, PAGE_MAX)
        try:
            after = base64.urlsafe_b64decode(request.page_token).decode()
        except ValueError:
            await _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "no such page_token")
        rest = [name for name in names if name > after]
        more = base64.urlsafe_b64encode(rest[size - 1].encode()) if len(rest) > size else b""
        return scheduler_v1.ListJobsResponse(
            jobs=[messages.written(name, self._book[name]) for name in rest[:size]],
            next_page_token=more.decode(),
        )

    async def update(self, request: Any, context: _Context) -> Any:
        runner = await self._runner(request.job.name, context)
        before = messages.written(request.job.name, runner)
        try:
            wished = messages.masked(before, request.job, list(request.update_mask.paths))
        except ValueError as error:
            await _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, str(error))
        job = await self._read(wished, context, is_paused=runner.job.is_paused)
        return messages.written(wished.name, await self._book.replace(wished.name, job))

    async def delete(self, request: Any, context: _Context) -> empty_pb2.Empty:
        await self._runner(request.name, context)
        await self._book.remove(request.name)
        return empty_pb2.Empty()

    async def pause(self, request: Any, context: _Context) -> Any:
        return await self._pause(request.name, context, is_paused=True)

    async def resume(self, request: Any, context: _Context) -> Any:
        return await self._pause(request.name, context, is_paused=False)

    async def run(self, request: Any, context: _Context) -> Any:
        runner = await self._runner(request.name, context)
        runner.run_now()
        return messages.written(request.name, runner)

    async def _pause(self, name: str, context: _Context, *, is_paused: bool) -> Any:
        if (await self._runner(name, context)).job.is_paused == is_paused:
            state = "PAUSED" if is_paused else "ENABLED"
            await _refuse(context, grpc.StatusCode.FAILED_PRECONDITION, f"{name} is {state}")
        return messages.written(name, await self._book.pause(name, is_paused=is_paused))

    async def _runner(self, name: str, context: _Context) -> Runner:
        if name not in self._book:
            await _refuse(context, grpc.StatusCode.NOT_FOUND, f"there is no job {name}")
        return self._book[name]

    async def _read(self, said: Any, context: _Context, *, is_paused: bool = False) -> Any:
        try:
            return messages.read(said, is_paused=is_paused)
        except (JobError, ScheduleError) as error:
            await _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, str(error))


async def _refuse(context: _Context, code: grpc.StatusCode, says: str) -> NoReturn:
    await context.abort(code, says)
    raise AssertionError("abort does not return")


async def serve(book: Book, host: str, port: int) -> tuple[grpc.aio.Server, int]:
    """The API on a port (0: any free one); returns the server and the port."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Api(book).handler(),))
    bound = server.add_insecure_port(f"{host}:{port}")
    await server.start()
    return server, bound

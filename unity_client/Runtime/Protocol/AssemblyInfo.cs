using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("DialogueServer.Tests")]
